import { describe, expect, it } from "vitest";
import { User } from "../../../../src/main/access/user.js";
import { SILENT } from "../../../../src/main/log.js";
import { Sessions } from "../../../../src/main/native/sessions.js";
import type { Caller } from "../../../../src/main/ports/http/caller.js";
import { HttpSessions } from "../../../../src/main/ports/http/sessions.js";
import { testSwitchboard } from "../../switchboard.js";

const from = (address: string, user?: User): Caller => ({ address, credential: user?.shared });

const open = async () => {
  const board = await testSwitchboard();
  const all = new Sessions(1 << 20, SILENT);
  const http = new HttpSessions((kind, client) =>
    all.open(kind, client, (transport, session) => board.open(transport, { session })),
  );
  const sweep = (times: number): void => {
    for (let i = 0; i < times; i++) http.sweep();
  };
  return { all, http, sweep };
};

describe("sessions of HTTP clients", () => {
  it("are shared by the short requests of an address, and by no other address", async () => {
    const { http } = await open();
    const [first, again, other] = [
      http.shared(from("192.0.2.1")),
      http.shared(from("192.0.2.1")),
      http.shared(from("192.0.2.2")),
    ];
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    expect(other.identity).toEqual({ protocol: "http", address: "192.0.2.2", credential: undefined });
  });

  it("are shared with no other user at the same address, and are that user's", async () => {
    const { http } = await open();
    const users = ["a", "b"].map((name) => new User({ name, permissions: [] }, 0));
    const sessions = [undefined, ...users].map((user) => http.shared(from("192.0.2.1", user)));
    expect(new Set(sessions).size).toBe(3);
    expect(sessions.map(({ identity }) => identity.credential?.user.name)).toEqual([undefined, "a", "b"]);
    expect(http.shared(from("192.0.2.1", users[0]))).toBe(sessions[1]);
    expect(http.lease(from("192.0.2.1", users[1])).session.identity.credential).toBe(users[1]?.shared);
  });

  it("are leased to one exchange at a time: the last that was given back is the next", async () => {
    const { http } = await open();
    const [a, b] = [http.lease(from("192.0.2.1")), http.lease(from("192.0.2.1"))];
    expect(new Set([a.session, b.session, http.shared(from("192.0.2.1"))]).size).toBe(3);
    a.give();
    b.give();
    const [c, d, e] = [http.lease(from("192.0.2.1")), http.lease(from("192.0.2.1")), http.lease(from("192.0.2.1"))];
    expect([c.session, d.session]).toEqual([b.session, a.session]);
    expect([a.session, b.session]).not.toContain(e.session);
    expect(http.lease(from("192.0.2.2")).session).not.toBe(c.session);
  });

  it("end with an exchange that is abandoned, however often that is said, and not with one that is over", async () => {
    const { all, http } = await open();
    const [abandoned, over] = [http.lease(from("192.0.2.1")), http.lease(from("192.0.2.1"))];
    abandoned.drop();
    abandoned.drop();
    abandoned.give();
    over.give();
    over.drop();
    expect([abandoned.session.isOpen, over.session.isOpen, http.size, all.size]).toEqual([false, true, 1, 1]);
    expect(http.lease(from("192.0.2.1")).session).toBe(over.session);
  });

  it("are closed when nothing has used them for a while; one that is leased is not", async () => {
    const { all, http, sweep } = await open();
    const shared = http.shared(from("192.0.2.1"));
    const leased = http.lease(from("192.0.2.1"));
    http.lease(from("192.0.2.1")).give();
    sweep(8);
    expect(http.shared(from("192.0.2.1"))).toBe(shared);
    sweep(8);
    expect([http.size, shared.isOpen]).toEqual([2, true]);
    sweep(4);
    expect([http.size, all.size, leased.session.isOpen]).toEqual([1, 1, true]);
    leased.give();
    sweep(11);
    expect([http.size, all.size]).toEqual([0, 0]);
  });

  it("are closed at once when nothing uses them and very many addresses have some", async () => {
    const { all, http } = await open();
    const leases = Array.from({ length: 10 }, (_, i) => http.lease(from(`192.0.2.${i}`)));
    for (let i = 0; i < 10_000; i++) http.shared(from(`2001:db8::${i.toString(16)}`));
    expect(http.size).toBeLessThanOrEqual(4_096);
    expect(all.size).toBe(http.size);
    expect(leases.every(({ session }) => session.isOpen)).toBe(true);
  });

  it("that the broker has closed are not used again", async () => {
    const { http } = await open();
    const shared = http.shared(from("192.0.2.1"));
    const lease = http.lease(from("192.0.2.1"));
    shared.close();
    lease.session.close();
    lease.give();
    expect(http.size).toBe(0);
    expect([http.shared(from("192.0.2.1")).isOpen, http.lease(from("192.0.2.1")).session.isOpen]).toEqual([true, true]);
  });
});
