/** A configuration file in INI: sections of keys, comments after `#` or `;`, also behind a value. */
import { parse } from "ini";
import { ConfigError, readConfigurationText } from "../configuration-text.js";

/** Section, then the keys that it may have, in the writing of the documentation. */
export type KnownKeys = Readonly<Record<string, readonly string[]>>;

export class IniFile {
  readonly #values = new Map<string, string>();
  readonly #sections = new Set<string>();

  private constructor(readonly path: string) {}

  /**
   * `warn` is told once of all keys that are not known: a file may serve other programs and versions too.
   *
   * @throws ConfigError when the file cannot be read.
   */
  static read(path: string, known: KnownKeys, warn: (fields: object, text: string) => void): IniFile {
    const file = new IniFile(path);
    const names = new Set(Object.entries(known).flatMap(([section, keys]) => keys.map((key) => nameOf(section, key))));
    const unknown: string[] = [];
    for (const [section, keys] of Object.entries(parse(readConfigurationText(path)))) {
      if (typeof keys !== "object" || keys === null) {
        if (section.startsWith("[")) throw new ConfigError(`${path}: ${section} must end with ]`);
        unknown.push(section);
        continue;
      }
      file.#sections.add(section.toLowerCase());
      for (const [key, value] of Object.entries(keys)) {
        const name = nameOf(section, key);
        if (names.has(name)) file.#values.set(name, String(value).trim());
        else unknown.push(`[${section}] ${key}`);
      }
    }
    if (unknown.length > 0) warn({ file: path, keys: unknown.join(", ") }, "keys that are not known are ignored");
    return file;
  }

  /** Whether the file has the section, in small letters. */
  hasSection(name: string): boolean {
    return this.#sections.has(name);
  }

  /** The text of a value; undefined: the key is not there, or has none. */
  get(section: string, key: string): string | undefined {
    return this.#values.get(nameOf(section, key)) || undefined;
  }
}

/** Capital letters do not matter. */
const nameOf = (section: string, key: string): string => `${section}.${key}`.toLowerCase();
