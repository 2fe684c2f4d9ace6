/** device_info and application_info: last known fields, fields of every event, and device identities. */
import type {Fields, Value} from '../../engine/record.ts';
import {withMember} from './decode-extra.ts';
import {memberPlace, type Faults} from './decode-faults.ts';
import {readClaim, type IdentityClaim} from './decode-identities.ts';
import {readObject, readText} from './decode-values.ts';
import {canonicalIdentityType} from '../../engine/identity-types.ts';

export interface DecodedDevice {
  /** By the names of DEVICE_FIELDS. */
  readonly fields: Fields;
  /** `$platform` and so on: what every event of the batch has. */
  readonly eventFields: Fields;
  /** Members of what is left of device_info and application_info. */
  readonly deviceExtra: string;
  readonly applicationExtra: string;
}

const NOTHING: DecodedDevice = {fields: [], eventFields: [], deviceExtra: '', applicationExtra: ''};

export function readDevice(
  rawDevice: unknown,
  rawApplication: unknown,
  identities: IdentityClaim[],
  faults: Faults,
): DecodedDevice {
  const device = readObject(rawDevice, 'device_info', faults);
  const application = readObject(rawApplication, 'application_info', faults);
  if (device === undefined && application === undefined) return NOTHING;
  let platform = '';
  let os = '';
  let osVersion = '';
  let brand = '';
  let model = '';
  let manufacturer = '';
  let carrier = '';
  let deviceCountry = '';
  let localeCountry = '';
  let language = '';
  let appVersion = '';
  let appBuild = '';
  let deviceExtra = '';
  let applicationExtra = '';
  for (const key in device) {
    const value = device[key];
    if (value === null) continue;
    switch (key) {
      case 'platform':
        platform = textOf(value, key, faults);
        break;
      case 'os_version':
        osVersion = textOf(value, key, faults);
        break;
      case 'brand':
        brand = textOf(value, key, faults);
        break;
      case 'device_model':
        model = textOf(value, key, faults);
        break;
      case 'device_manufacturer':
        manufacturer = textOf(value, key, faults);
        break;
      case 'network_carrier':
        carrier = textOf(value, key, faults);
        break;
      case 'device_country':
        deviceCountry = textOf(value, key, faults);
        break;
      case 'locale_country':
        localeCountry = textOf(value, key, faults);
        break;
      case 'locale_language':
        language = textOf(value, key, faults);
        break;
      default: {
        const type = canonicalIdentityType(key);
        if (type === undefined)
          deviceExtra = withMember(deviceExtra, key, value, 'device_info', faults);
        else readClaim(type, value, 'device_info', key, identities, faults);
      }
    }
  }
  for (const key in application) {
    const value = application[key];
    switch (key) {
      case 'os':
        os = readText(value, 'application_info.os', faults);
        break;
      case 'application_version':
        appVersion = readText(value, 'application_info.application_version', faults);
        break;
      case 'application_build_number':
        appBuild = readText(value, 'application_info.application_build_number', faults);
        break;
      default:
        applicationExtra = withMember(applicationExtra, key, value, 'application_info', faults);
    }
  }
  const fields: (string | Value)[] = [];
  push(fields, 'platform', platform);
  push(fields, 'os', os);
  push(fields, 'os_version', osVersion);
  push(fields, 'brand', brand);
  push(fields, 'model', model);
  push(fields, 'manufacturer', manufacturer);
  push(fields, 'carrier', carrier);
  push(fields, 'country', deviceCountry === '' ? localeCountry : deviceCountry);
  push(fields, 'language', language);
  push(fields, 'app_version', appVersion);
  push(fields, 'app_build', appBuild);
  const eventFields: (string | Value)[] = [];
  push(eventFields, '$app_version', appVersion);
  push(eventFields, '$app_build', appBuild);
  push(eventFields, '$platform', platform);
  push(eventFields, '$os_version', osVersion);
  return {fields, eventFields, deviceExtra, applicationExtra};
}

function textOf(value: unknown, key: string, faults: Faults): string {
  return typeof value === 'string' && value.length <= 256
    ? value
    : readText(value, memberPlace('device_info', key), faults);
}

function push(fields: (string | Value)[], name: string, value: string): void {
  if (value !== '') fields.push(name, value);
}
