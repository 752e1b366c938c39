/** The console's session cookie. `__Host-` binds it to the exact host and to https. */
export function sessionCookieName(secure: boolean): string {
  return secure ? '__Host-ownkey_session' : 'ownkey_session';
}

/** Value of the named cookie; null when it is absent. */
export function readSessionCookie(header: string | undefined, name: string): string | null {
  for (const part of (header ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return null;
}

export function writeSessionCookie(name: string, value: string, expiresAt: Date, secure: boolean): string {
  const age = Math.max(0, Math.floor((expiresAt.getTime() - Date.now()) / 1000));
  return `${name}=${value}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
}

export function clearSessionCookie(name: string, secure: boolean): string {
  return `${name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
}
