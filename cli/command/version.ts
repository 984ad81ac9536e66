/**
 * Version of the package.
 *
 * @module
 */

/** Version of the package. */
export const VERSION = "0.1.0";

/** Date of the version, for the manual pages. */
export const VERSION_DATE = "2026-11-26";
