/**
 * What one accepted client batch says about one profile, in canonical form: every spelling of every
 * client has become this once, at the edge. Immutable. This is what the journal keeps.
 *
 * `Fields` are flat `[name, value, name, value, …]` pairs rather than objects: they are iterated, never
 * indexed, and a name like `__proto__` is only a string.
 */
import type {ScopeId} from './ids.ts';

export type Scalar = string | number | boolean | null;
/** `null` is a tag: the attribute exists and has no value. */
export type Value = Scalar | readonly Scalar[];
export type Fields = readonly (string | Value)[];

export interface ProfileRecord {
  readonly mpidHi: number;
  readonly mpidLo: number;
  readonly scope: ScopeId;
  readonly inputId: number;
  /** When the server took it. */
  readonly arrivalMs: number;
  /** The batch's own time (its timestamp, else arrival), never later than arrival. */
  readonly batchMs: number;
  readonly events: readonly EventRecord[];
  readonly attributes: readonly AttributeChange[];
  readonly identities: readonly IdentityChange[];
  readonly consent: readonly ConsentChange[];
  /** Last known device and application fields, by the names of DEVICE_FIELDS. */
  readonly device: Fields;
  readonly location: LocationFix | undefined;
  /** 64-bit hashes of source_request_id and source_message_ids as [hi, lo, …]; deduplication memory. */
  readonly seen: readonly number[];
  /** Unknown fields of the batch, kept as JSON text; '' when there are none. */
  readonly extra: string;
}

export type EventKind =
  | 'custom'
  | 'commerce'
  | 'screen_view'
  | 'session_start'
  | 'session_end'
  | 'crash'
  | 'install'
  | 'uninstall'
  | 'upgrade'
  | 'other';

export const EVENT_KINDS: readonly EventKind[] = [
  'custom',
  'commerce',
  'screen_view',
  'session_start',
  'session_end',
  'crash',
  'install',
  'uninstall',
  'upgrade',
  'other',
];

export interface EventRecord {
  readonly kind: EventKind;
  /** Event name, commerce action (`promotion_view`, `impression`, …), or screen name; '' for the other kinds. */
  readonly name: string;
  /** custom_event_type, lower case; '' where there is none. */
  readonly type: string;
  readonly timeMs: number;
  /**
   * What conditions can ask of it: custom attributes by their bare names, built-in fields by their `$`
   * names (`$app_version`, `$total_amount`, …; the batch's application and device fields included).
   * A custom attribute whose own name starts with `$` is not among them.
   */
  readonly fields: Fields;
  /** One per product (`$product.id`, `$product.attribute.NAME`, …) or promotion (`$promotion.id`, …). */
  readonly items: readonly Fields[];
}

export interface AttributeChange {
  readonly name: string;
  /** undefined removes the attribute. */
  readonly value: Value | undefined;
  /** The latest change by this time wins, whatever order changes arrive in; never later than arrival. */
  readonly timeMs: number;
}

export interface IdentityChange {
  /** Canonical Events API spelling: `customer_id`, `email`, `other_id_2`, `ios_advertising_id`, … */
  readonly type: string;
  /** undefined: this profile no longer has it. */
  readonly value: string | undefined;
  /** Gateway-wide ascending number: of two profiles that claim an identity the later number has it. */
  readonly sequence: number;
}

export interface ConsentChange {
  readonly regulation: 'gdpr' | 'ccpa';
  /** Lower case; 'data_sale_opt_out' for ccpa. */
  readonly purpose: string;
  /** undefined: withdrawn without a state. For ccpa true means opted out. */
  readonly consented: boolean | undefined;
  readonly timeMs: number;
}

/** Fields of `ProfileRecord.device` that the `device` criterion asks for. */
export const DEVICE_FIELDS = [
  'platform',
  'os',
  'os_version',
  'brand',
  'model',
  'manufacturer',
  'carrier',
  'country',
  'language',
  'app_version',
  'app_build',
] as const;
export type DeviceField = (typeof DEVICE_FIELDS)[number];

export interface LocationFix {
  readonly latitude: number | undefined;
  readonly longitude: number | undefined;
  readonly city: string | undefined;
  /** State or region, by its code where that is known. */
  readonly state: string | undefined;
  /** The same by its name, when the code alone would not tell those who know the name. */
  readonly stateName?: string | undefined;
  readonly zip: string | undefined;
  readonly dma: string | undefined;
  readonly country: string | undefined;
  readonly timeMs: number;
}
