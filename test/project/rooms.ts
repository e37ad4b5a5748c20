/**
 * The rooms of src, as the tables under "Rooms" in docs/architecture.md have them, and the lint rules made of them.
 */
import { posix } from "node:path";
import { cell, readDocument, section, tableRows } from "./document.js";

export interface Room {
  /** Its folder below src, or the folder with a label: `main/native`, `main (base)`. */
  readonly name: string;
  readonly folder: string;
  /** The files that it consists of; undefined: all that lie directly in the folder. */
  readonly files: readonly string[] | undefined;
  /** Files and folders (`/*` at the end) below src that it may import besides its own. */
  readonly imports: readonly string[];
  readonly packages: readonly string[];
}

const listed = (text: string): string[] => (text === "" ? [] : text.split(", "));

/** The rooms of the document, in its order. */
export const readRooms = (): Room[] => {
  const rows = tableRows(section(readDocument("docs/architecture.md"), "Rooms")).map((row) => {
    const [name = "", files] = cell(row, "room").split(": ");
    const folder = name.replace(/ \(.*\)$/, "");
    return { row, name, folder, files: files === undefined ? undefined : listed(files) };
  });
  /** What a name in "may import" stands for. */
  const targets = (name: string): string[] => {
    const named = rows.filter((each) =>
      name.endsWith("/*") ? each.name.startsWith(name.slice(0, -1)) : each.name === name,
    );
    if (named.length > 0) return named.flatMap((each) => contents(each));
    if (name.endsWith(".ts")) return [name];
    throw new Error(`docs/architecture.md: no room "${name}"`);
  };
  return rows.map(({ row, name, folder, files }) => ({
    name,
    folder,
    files,
    imports: listed(cell(row, "may import")).flatMap(targets),
    packages: listed(cell(row, "packages")),
  }));
};

/** A room as files and folders below src. */
export const contents = ({ folder, files }: Pick<Room, "folder" | "files">): string[] =>
  files === undefined ? [`${folder}/*`] : files.map((file) => posix.join(folder, file));

/** The room that a file below src belongs to. */
export const roomOf = (file: string, rooms: readonly Room[]): Room | undefined => {
  const own = rooms.filter(({ folder }) => folder === posix.dirname(file));
  const byName = own.find(({ files }) => files?.includes(posix.basename(file)));
  return byName ?? own.find(({ files }) => files === undefined);
};

/** How a module in `folder` names a file or all files of a folder. */
export const specifier = (folder: string, target: string): string => {
  const path = posix.relative(folder, target).replace(/\.ts$/, ".js");
  return path.startsWith(".") ? path : `./${path}`;
};

/** biome-rooms.json: what each room may import, as the linter takes it. It goes by the text of an import. */
export const lintRules = (rooms: readonly Room[]): object => {
  const override = (room: Room): object => ({
    includes: contents(room).map((path) => posix.join("src", path)),
    linter: {
      rules: {
        style: {
          noRestrictedImports: {
            level: "error",
            options: {
              patterns: [
                {
                  group: [
                    "**",
                    ...[...contents(room), ...room.imports].map((target) => `!${specifier(room.folder, target)}`),
                    ...room.packages.map((name) => `!${name}`),
                  ],
                  message: `${room.name}: docs/architecture.md, "Rooms", says what it may import.`,
                },
              ],
            },
          },
        },
      },
    },
  });
  // The last rule for a file counts: files that are a room of their own come after the folder they are in.
  const folders = rooms.filter(({ files }) => files === undefined);
  const files = rooms.filter((room) => room.files !== undefined);
  return {
    $schema: "./node_modules/@biomejs/biome/configuration_schema.json",
    overrides: [...folders, ...files].map(override),
  };
};
