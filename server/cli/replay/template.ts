/**
 * The small language of a mapping's `batch`: JSON in which strings name columns. Compiled once against
 * the header, so that a row costs no parsing. docs/replay.md is its description for users.
 */
import {compileText, readNumber} from './cell.ts';
import {compileCondition} from './condition.ts';
import type {RowGroup, Template, TemplateScope} from './cell.ts';

export function compileTemplate(value: unknown, path: string, scope: TemplateScope): Template {
  if (typeof value === 'string') return compileText(value, path, scope);
  if (Array.isArray(value)) {
    const items = value.map((item, i) => compileTemplate(item, `${path}[${i}]`, scope));
    return group => items.map(item => item(group)).filter(item => item !== undefined);
  }
  if (typeof value !== 'object' || value === null) return () => value;
  const entries = Object.entries(value);
  const directive = entries.find(([key]) => key.startsWith('$') && DIRECTIVES.has(key));
  if (directive !== undefined) {
    if (entries.length > 1) {
      scope.problems.push({path, message: `"${directive[0]}" must stand alone in its object.`});
    }
    const compile = DIRECTIVES.get(directive[0]) ?? compileTemplate;
    return compile(directive[1], `${path}.${directive[0]}`, scope);
  }
  const fields = entries.map(
    ([key, item]) => [key, compileTemplate(item, `${path}.${key}`, scope)] as const,
  );
  return group => {
    const made: Record<string, unknown> = {};
    for (const [key, field] of fields) {
      const item = field(group);
      if (item !== undefined) made[key] = item;
    }
    return made;
  };
}

const DIRECTIVES: ReadonlyMap<string, typeof compileTemplate> = new Map([
  ['$rows', compileRows],
  ['$choose', compileChoose],
  ['$times', compileTimes],
  ['$total', compileTotal],
]);

/** `{"$rows": T}`: a list with T once for each row of the group. */
function compileRows(value: unknown, path: string, scope: TemplateScope): Template {
  const item = compileTemplate(value, path, scope);
  return group => group.rows.map(row => item({...group, row})).filter(made => made !== undefined);
}

/** `{"$choose": [{"when": C, "use": T}, …, {"use": T}]}`: the first whose condition holds. */
function compileChoose(value: unknown, path: string, scope: TemplateScope): Template {
  if (!Array.isArray(value) || value.length === 0) {
    scope.problems.push({path, message: 'must be a list of {"when", "use"}.'});
    return () => undefined;
  }
  const choices = value.map((choice: unknown, i) => {
    const at = `${path}[${i}]`;
    if (typeof choice !== 'object' || choice === null || !('use' in choice)) {
      scope.problems.push({
        path: at,
        message: 'must be an object with "use", and "when" but for the last.',
      });
      return {holds: () => false, use: () => undefined};
    }
    return {
      holds: 'when' in choice ? compileCondition(choice.when, `${at}.when`, scope) : () => true,
      use: compileTemplate(choice.use, `${at}.use`, scope),
    };
  });
  return group => choices.find(choice => choice.holds(group.row))?.use(group);
}

/** `{"$times": [T, …]}`: the product of numbers of one row. */
function compileTimes(value: unknown, path: string, scope: TemplateScope): Template {
  const factors = compileFactors(value, path, scope);
  return group => multiply(factors, group);
}

/** `{"$total": [T, …]}`: the sum over the group's rows of such a product. */
function compileTotal(value: unknown, path: string, scope: TemplateScope): Template {
  const factors = compileFactors(value, path, scope);
  return group => {
    let total = 0;
    for (const row of group.rows) total += multiply(factors, {...group, row}) ?? 0;
    return money(total);
  };
}

function compileFactors(value: unknown, path: string, scope: TemplateScope): Template[] {
  if (Array.isArray(value) && value.length > 0) {
    return value.map((factor, i) => compileTemplate(factor, `${path}[${i}]`, scope));
  }
  scope.problems.push({path, message: 'must be a list of numbers or columns.'});
  return [];
}

function multiply(factors: readonly Template[], group: RowGroup): number | undefined {
  let product = 1;
  for (const factor of factors) {
    const value = factor(group);
    if (value === undefined) return undefined;
    product *= typeof value === 'number' ? value : readNumber(String(value), group.row, 'a factor');
  }
  return money(product);
}

/** Cuts what binary fractions leave behind: 0.1 × 3 is 0.3. */
function money(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
