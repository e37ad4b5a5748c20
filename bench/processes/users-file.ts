/**
 * A configuration with one user, who may do everything, and the token that it shows.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class UsersFile implements Disposable {
  readonly token = randomBytes(32).toString("base64url");
  readonly #directory = mkdtempSync(join(tmpdir(), "ringmq-bench-users-"));
  readonly path = join(this.#directory, "ringmq.toml");

  constructor() {
    const hash = createHash("sha256").update(this.token).digest("hex");
    writeFileSync(
      this.path,
      `[[users]]
name = "bench"
tokens = [{ hash = "sha256:${hash}" }]
permissions = [{ topics = "*", allow = ["publish", "consume", "manage", "operate"] }]
`,
    );
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
