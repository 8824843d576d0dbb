/**
 * Version of everything that operator and runner exchange: job spec, progress record, result record.
 * A reader accepts its own version and older ones that it can still fill with defaults; a newer one is refused by name.
 */
export const CONTRACT_VERSION = 1;
