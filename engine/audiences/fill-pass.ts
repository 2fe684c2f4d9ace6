/** A pass over all profiles that gives new nodes their bits, for the audiences that are ready for it. */
import type {ExpressionGraph} from '../expressions/expression-graph.ts';
import type {Audience, AudienceTable} from './audience-table.ts';
import {CombinationFill} from './combination-fill.ts';

export class FillPass {
  readonly audiences: readonly Audience[];
  /** New nodes, children before parents. */
  readonly nodes: readonly number[];
  /** When no node is a criterion: bits follow from bits. */
  readonly combinations: CombinationFill | undefined;
  /** The next ordinal to fill. */
  cursor = 0;

  private constructor(
    audiences: readonly Audience[],
    nodes: readonly number[],
    graph: ExpressionGraph,
  ) {
    this.audiences = audiences;
    this.nodes = nodes;
    const isKnown = !nodes.some(slot => graph.isCriterion(slot));
    this.combinations = isKnown ? new CombinationFill(graph, nodes) : undefined;
  }

  /** undefined when no prepared definition has all its histories. */
  static start(table: AudienceTable, graph: ExpressionGraph): FillPass | undefined {
    const audiences = [...table.all()].filter(
      audience => audience.next !== undefined && !table.isWaiting(audience),
    );
    if (audiences.length === 0) return undefined;
    const nodes = new Set<number>();
    for (const audience of audiences)
      for (const slot of table.freshNodes(audience)) nodes.add(slot);
    return new FillPass(audiences, table.inOrder(nodes), graph);
  }
}
