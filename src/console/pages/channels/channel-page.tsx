/**
 * A channel: what it is like, what is published to it, and what can be done with it.
 */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { ChannelStatistics } from "ringmq/client";
import type { PageProps } from "../../base/page.js";
import { goTo, hrefTo } from "../../base/route.js";
import { usePolled } from "../../broker/polled.js";
import { Confirm } from "../../parts/confirm.js";
import { ErrorLine } from "../../parts/error-line.js";
import { bytes, count, rate } from "../../parts/format.js";
import { PageHead } from "../../parts/page-head.js";
import "./channels.css";
import { ConfigDialog } from "./config-dialog.js";
import { PublishDialog } from "./publish-dialog.js";
import { Rates } from "./rates.js";
import { Tail } from "./tail.js";
import { text } from "./text.js";

const Figures = ({
  stats,
  perSecond,
}: {
  readonly stats: ChannelStatistics;
  readonly perSecond: number | undefined;
}) => {
  const words = text();
  const { subscribers, behind, kept, messages, bytes: size, published, dropped, first, next } = stats;
  const figures: readonly (readonly [string, string])[] = [
    [words.subscribers, count(subscribers)],
    [words.behind, count(behind)],
    [words.rate, perSecond === undefined ? "–" : rate(perSecond)],
    [words.published, count(published)],
    [words.keep, kept ? words.yes : words.no],
    ...(kept
      ? ([
          [words.messages, count(messages)],
          [words.bytes, bytes(size)],
          [words.positions, `${count(first)} – ${count(next)}`],
        ] as const)
      : []),
    [words.dropped, count(dropped)],
  ];
  return (
    <dl class="channel-figures card">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
};

export const Page = ({ client, params }: PageProps) => {
  const words = text();
  const { channel = "" } = params;
  const open = useSignal<"configure" | "publish" | "delete" | undefined>(undefined);
  const rates = useMemo(() => new Rates(), [client]);
  const { value, error, reload } = usePolled(async () => {
    const stats = await client.channelStats(channel);
    rates.update([stats], performance.now());
    return stats;
  }, [client]);
  const close = (): void => {
    open.value = undefined;
  };
  const opener = (what: "configure" | "publish" | "delete") => () => {
    open.value = what;
  };
  return (
    <>
      <PageHead title={channel} above={[{ title: words.title, href: hrefTo(["channels"]) }]}>
        <button type="button" class="primary" onClick={opener("publish")}>
          {words.publish}
        </button>
        <button type="button" disabled={value === undefined} onClick={opener("configure")}>
          {words.configure}
        </button>
        <button type="button" class="danger" disabled={value === undefined} onClick={opener("delete")}>
          {words.delete}
        </button>
      </PageHead>
      <ErrorLine error={error} />
      {value !== undefined && <Figures stats={value} perSecond={rates.of(channel)} />}
      <Tail client={client} channel={channel} />
      {open.value === "publish" && <PublishDialog client={client} channel={channel} onClose={close} />}
      {open.value === "configure" && value !== undefined && (
        <ConfigDialog client={client} channel={channel} config={value.config} onSaved={reload} onClose={close} />
      )}
      {open.value === "delete" && (
        <Confirm
          title={words.deleteTitle}
          deed={words.deleteDeed}
          name={channel}
          act={async () => {
            await client.deleteChannel(channel);
            goTo(hrefTo(["channels"]));
          }}
          onClose={close}
        >
          <p>{words.deleteText}</p>
        </Confirm>
      )}
    </>
  );
};
