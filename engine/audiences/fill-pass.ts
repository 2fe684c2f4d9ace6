/** A pass over all profiles that gives new nodes their bits, for the audiences that are ready for it. */
import type {Audience, AudienceTable} from './audience-table.ts';

export class FillPass {
  readonly audiences: readonly Audience[];
  /** New nodes, children before parents. */
  readonly nodes: readonly number[];
  /** The next ordinal to fill. */
  cursor = 0;

  private constructor(audiences: readonly Audience[], nodes: readonly number[]) {
    this.audiences = audiences;
    this.nodes = nodes;
  }

  /** undefined when no prepared definition has all its histories. */
  static start(table: AudienceTable): FillPass | undefined {
    const audiences = [...table.all()].filter(
      audience => audience.next !== undefined && !table.isWaiting(audience),
    );
    if (audiences.length === 0) return undefined;
    const nodes = new Set<number>();
    for (const audience of audiences)
      for (const slot of table.freshNodes(audience)) nodes.add(slot);
    return new FillPass(audiences, table.inOrder(nodes));
  }
}
