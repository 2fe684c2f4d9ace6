/** Bodies against their schemas: every fault at once, in words for people, with paths like `inputs[1]`. */
import type {Static, TSchema} from 'typebox';
import {Compile} from 'typebox/compile';
import {Settings} from 'typebox/system';
import type {Problem} from '../../engine/definitions/definition.ts';

/** Of one body; beyond it nobody reads on. */
const PROBLEMS_MAX = 200;
Settings.Set({maxErrors: PROBLEMS_MAX});

export type Validated<T> = {readonly value: T} | {readonly problems: readonly Problem[]};

export function validator<S extends TSchema>(schema: S): (value: unknown) => Validated<Static<S>> {
  const compiled = Compile(schema);
  return value => {
    if (compiled.Check(value)) return {value: value as Static<S>};
    return {problems: compiled.Errors(value).flatMap(problemsOf)};
  };
}

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

function problemsOf({keyword, instancePath, params, message}: SchemaError): Problem[] {
  const path = pathOf(instancePath);
  const given = new Map<string, unknown>(Object.entries(params));
  const names = (key: string) => [given.get(key)].flat().map(String);
  switch (keyword) {
    case 'required':
      return names('requiredProperties').map(name => ({
        path: member(path, name),
        message: 'is required',
      }));
    case 'additionalProperties':
      return names('additionalProperties').map(name => ({
        path: member(path, name),
        message: 'is not a field that can be given here',
      }));
    case 'boolean':
      // The other half of additionalProperties.
      return [];
    case 'type':
      return [{path, message: `must be of type ${names('type').join(' or ')}`}];
    case 'enum':
      return [{path, message: `must be one of ${names('allowedValues').join(', ')}`}];
    case 'minLength':
      return [{path, message: `must have at least ${names('limit').join()} characters`}];
    case 'maxLength':
      return [{path, message: `must have at most ${names('limit').join()} characters`}];
    case 'pattern':
      return [{path, message: 'must not be blank'}];
    default:
      return [{path, message}];
  }
}

/** `/inputs/0` → `inputs[0]` */
function pathOf(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : member(path, part)), '');
}

function member(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
