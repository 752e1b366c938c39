/** The model name of calls that leave the choice to the company. */
export const AUTO_MODEL = 'auto';

/** Name in addresses of the choice for operations that have none of their own; it is stored as ''. */
export const DEFAULT_OPERATION = 'default';
