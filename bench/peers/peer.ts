/**
 * What a user could pick instead, doing the same work on the same events: after each, the number of
 * audiences that the event's profile is in. Every peer has its best honest form, and is spared what it has
 * no way to do: none of them moves anybody when a window runs out with no event.
 */
import type {EventBlock, Workload} from '../workload.ts';

export interface Peer {
  /** Outside the measured time: the peer's own form of the events, when making it is not its work. */
  prepare?(block: EventBlock): void;
  /** The block's events from..to, one after the other; memberships of each event's profile after it. */
  apply(
    block: EventBlock,
    from: number,
    to: number,
    memberships: Uint16Array,
  ): void | Promise<void>;
  /** Of a server beside this process. */
  cpuSeconds?(): number;
  close?(): void | Promise<void>;
}

/** With the population and the first `warmUpEvents` events already in. */
export type MakePeer = (workload: Workload, warmUpEvents: number) => Peer | Promise<Peer>;

export interface NamedPeer {
  readonly name: string;
  /** Whether windows that run out move anybody without an event. */
  readonly movesByTime: boolean;
  /** Why it cannot run here; undefined when it can. */
  missing?(): string | undefined;
  load(): Promise<MakePeer>;
}
