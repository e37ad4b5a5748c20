/** The description of a broker's HTTP API: `/openapi.json`. What a path takes and answers stands in the table of its API. */
import { VERSION } from "../../protocol/version.js";
import { RESPONSES, SCHEMAS, SECURITY_SCHEMES } from "./components.js";
import { consolePaths } from "./console.js";
import { gmqPaths } from "./gmq.js";
import { memmqPaths } from "./memmq.js";
import { operatorPaths } from "./operator.js";
import { probePaths } from "./probes.js";
import { type Bounds, type Paths, TAGS } from "./specification.js";

/** A broker without users asks nobody for a token. */
const SECURITY = [...Object.keys(SECURITY_SCHEMES).map((name) => ({ [name]: [] })), {}];

const ABOUT = `The HTTP API of a ringmq broker.

- Names of topics, channels and queues have at most 255 bytes of UTF-8; \`maxLength\` counts characters.
- HEAD is answered on every path and does nothing. The files of the console's page are not here. \`x-any-method\`: so is every other method, which does what is described.
- \`x-permissions\`: where the broker has users, they need one of these.`;

/** All that a broker may have. */
export const allPaths = (bounds: Bounds): Paths => ({
  ...gmqPaths(bounds),
  ...memmqPaths(bounds),
  ...operatorPaths(bounds),
  ...consolePaths(),
  ...probePaths(),
});

/** @param has whether the broker has a path */
export const openApiDocument = (bounds: Bounds, has: (path: string) => boolean): object => ({
  openapi: "3.1.0",
  info: {
    title: "ringmq",
    version: VERSION,
    description: ABOUT,
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
  },
  servers: [{ url: "/" }],
  security: SECURITY,
  tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
  paths: Object.fromEntries(Object.entries(allPaths(bounds)).filter(([path]) => has(path))),
  components: { schemas: SCHEMAS, responses: RESPONSES, securitySchemes: SECURITY_SCHEMES },
});
