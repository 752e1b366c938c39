const DATA_URL = /^data:([^;,]+)(?:;[^;,]+)*;base64,/i;

export type Source = { kind: 'url'; url: string } | { kind: 'base64'; mediaType: string; data: string };

/** What a URL of an image or file stands for: data inside it, or an address. */
export function sourceOf(url: string): Source {
  const match = DATA_URL.exec(url.slice(0, 256));
  const mediaType = match?.[1];
  if (!match || mediaType === undefined) return { kind: 'url', url };
  return { kind: 'base64', mediaType: mediaType.toLowerCase(), data: url.slice(match[0].length) };
}

export function urlOf(source: Source): string {
  return source.kind === 'url' ? source.url : `data:${source.mediaType};base64,${source.data}`;
}
