/**
 * What stands around each page: the way to the others, and how the reader wants it.
 */
import { chooseLanguage, LANGUAGES, type Language, language } from "../base/language.js";
import { hrefTo, node, route } from "../base/route.js";
import { chooseTheme, type ThemeChoice, themeChoice } from "../base/theme.js";
import { logOut, session } from "../broker/session.js";
import { useAction } from "../parts/action.js";
import { ErrorLine } from "../parts/error-line.js";
import { Name } from "../parts/name.js";
import { Banner } from "./banner.js";
import { FindMessage } from "./find-message.js";
import "./frame.css";
import { Login } from "./login.js";
import { Outlet } from "./outlet.js";
import { NODES, PAGES } from "./pages.js";
import { text } from "./text.js";

const Mark = () => (
  <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
    <circle cx="16" cy="16" r="11" stroke-dasharray="52 17.1" transform="rotate(-60 16 16)" />
  </svg>
);

const Navigation = () => {
  const [first = ""] = route.value.path;
  const isNodes = session.value?.kind === "nodes";
  return (
    <nav aria-label={text().navigation}>
      {PAGES.flatMap(({ path, title }) =>
        title === undefined || (path === NODES && !isNodes)
          ? []
          : [
              <a key={path} href={hrefTo(path === "" ? [] : [path])} aria-current={first === path ? "page" : undefined}>
                {text()[title]}
              </a>,
            ],
      )}
    </nav>
  );
};

/** Which of the nodes the pages show. */
const ChosenNode = () => {
  const { value: id } = node;
  if (session.value?.kind !== "nodes" || id === undefined) return null;
  return (
    <a class="chosen" href={hrefTo([NODES])} title={text().otherNode}>
      {text().nodeName} <Name value={id} />
    </a>
  );
};

const THEMES: readonly ThemeChoice[] = ["system", "light", "dark"];

const Choices = () => (
  <div class="choices">
    <select
      aria-label={text().language}
      value={language.value}
      onInput={(event) => chooseLanguage(event.currentTarget.value as Language)}
    >
      {Object.entries(LANGUAGES).map(([value, name]) => (
        <option key={value} value={value}>
          {name}
        </option>
      ))}
    </select>
    <select
      aria-label={text().theme}
      value={themeChoice.value}
      onInput={(event) => chooseTheme(event.currentTarget.value as ThemeChoice)}
    >
      {THEMES.map((value) => (
        <option key={value} value={value}>
          {text()[value]}
        </option>
      ))}
    </select>
  </div>
);

const Reader = () => {
  const { run, error } = useAction(logOut);
  const { value: who } = session;
  if (who === undefined || who.login || who.user === null) return null;
  return (
    <div class="reader">
      <Name value={who.user} />
      <button type="button" class="quiet" onClick={() => void run()}>
        {text().logOut}
      </button>
      <ErrorLine error={error} />
    </div>
  );
};

export const Frame = () => {
  const { value: who } = session;
  const isOut = who?.login === true;
  return (
    <>
      <button type="button" class="skip" onClick={() => document.querySelector("main")?.focus()}>
        {text().skip}
      </button>
      <aside>
        <a class="brand" href={hrefTo([])}>
          <Mark />
          ringmq
        </a>
        {!isOut && <ChosenNode />}
        {!isOut && <Navigation />}
        {!isOut && <FindMessage />}
        <div class="foot">
          <Reader />
          <Choices />
          {who !== undefined && <small class="muted">{who.version}</small>}
        </div>
      </aside>
      <main tabIndex={-1}>
        {!isOut && <Banner />}
        {isOut ? <Login /> : <Outlet />}
      </main>
    </>
  );
};
