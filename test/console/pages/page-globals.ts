/** What a browser gives the modules of the page, for tests without one. It is imported before them. */
Object.defineProperty(globalThis, "navigator", { value: { languages: ["zh-CN"] }, configurable: true });
Object.defineProperty(globalThis, "document", { value: { documentElement: {} }, configurable: true });
Object.defineProperty(globalThis, "location", { value: { hash: "" }, configurable: true });
Object.defineProperty(globalThis, "addEventListener", { value: () => {}, configurable: true });
