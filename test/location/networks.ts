/** Networks of a few places, as the files that users have describe them. */
import {mmdb} from './mmdb.ts';

export const SPRINGFIELD = {
  city: {names: {de: 'Springfield (IL)', en: 'Springfield'}},
  country: {iso_code: 'US', names: {en: 'United States'}},
  location: {accuracy_radius: 20, latitude: 39.8017, longitude: -89.6436, metro_code: 648},
  postal: {code: '62701'},
  subdivisions: [{iso_code: 'IL', names: {en: 'Illinois'}}],
};

export const MUNICH = {
  city: {names: {de: 'München', en: 'Munich'}},
  country: {iso_code: 'DE'},
  location: {latitude: 48.1374, longitude: 11.5755},
  postal: {code: '80331'},
  subdivisions: [
    {iso_code: 'BY', names: {en: 'Bavaria'}},
    {iso_code: '091', names: {en: 'Upper Bavaria'}},
  ],
};

/** DB-IP's free file has no codes of regions. */
export const OSAKA = {
  city: {names: {en: 'Osaka'}},
  country: {iso_code: 'JP'},
  location: {latitude: 34.6937, longitude: 135.5022},
  subdivisions: [{names: {en: 'Osaka Prefecture'}}],
};

export const AMERICA = {
  country: {iso_code: 'US'},
  location: {accuracy_radius: 1000, latitude: 37.751, longitude: -97.822},
};

export const NETWORKS = {
  '8.8.0.0/16': AMERICA,
  '8.8.8.0/24': SPRINGFIELD,
  '81.2.69.0/24': MUNICH,
  '2001:200::/32': OSAKA,
  '10.0.0.0/8': SPRINGFIELD,
  '9.9.9.0/24': {isp: 'a record of something else'},
};

export const CITIES = mmdb(NETWORKS);
