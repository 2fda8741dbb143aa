/** The version of this program: of executor, daemon and procctl alike. */
export const VERSION = "0.4.0";
