/** How long codes of mails work. */
export const RESET_MINUTES = 30;
export const INVITATION_DAYS = 7;
