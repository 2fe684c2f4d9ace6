/** A pass over all profiles that gives new nodes their bits, for the audiences that are ready for it. */
import type {Columns} from '../bitmaps/columns.ts';
import type {ExpressionGraph} from '../expressions/expression-graph.ts';
import type {Audience, AudienceTable} from './audience-table.ts';
import {CombinationFill} from './combination-fill.ts';

/** Rows whose bits follow from bits, in the time that one takes whose profile has to be looked at. */
const COMBINATION_ROWS = 16;
/** What it takes to come to a row, and to a profile, in what is then done there. */
const FREE_OPERANDS = 16;
const FREE_NODES = 8;

export class FillPass {
  readonly audiences: readonly Audience[];
  /** New nodes, children before parents. */
  readonly nodes: readonly number[];
  /** When no node is a criterion: bits follow from bits. */
  readonly combinations: CombinationFill | undefined;
  /** Rows in the time that one takes whose profile is looked at for a single criterion. */
  readonly rate: number;
  /** The next ordinal to fill. */
  cursor = 0;
  /** When every row is filled: counts the new nodes, and serves one audience after the other. */
  serving: Generator<undefined, void> | undefined;
  /** Between two pauses of it. */
  sliceLooks = 0;

  private constructor(
    audiences: readonly Audience[],
    nodes: readonly number[],
    graph: ExpressionGraph,
  ) {
    this.audiences = audiences;
    this.nodes = nodes;
    const isKnown = !nodes.some(slot => graph.isCriterion(slot));
    this.combinations = isKnown ? new CombinationFill(graph, nodes) : undefined;
    this.rate = isKnown
      ? COMBINATION_ROWS * (FREE_OPERANDS / (FREE_OPERANDS + this.combinations!.operands))
      : FREE_NODES / (FREE_NODES + nodes.length);
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
  /** Definitions have changed: the next pass begins anew, and gives rows their bits without telling any column. */
  abandon(columns: Columns, graph: ExpressionGraph): void {
    for (const slot of this.nodes) if (graph.isFresh(slot)) columns.drop(slot);
  }
}
