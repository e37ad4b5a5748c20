/** The version of the package, as package.json has it. It is not read from there: a test broker may run where no file is. */
export const VERSION = "0.1.0";
