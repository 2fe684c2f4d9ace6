/**
 * Other names of large cities: GeoNames gives each one name, mostly the English, sometimes that of its
 * people. A line is the country, the name there, and what else the city is called.
 */
import {placeKey} from '../../engine/places/place-key.ts';

export interface CityName {
  readonly name: string;
  readonly country: string;
}

export function otherNames(key: string): readonly CityName[] {
  return NAMES.get(key) ?? [];
}

export const CITY_NAMES = `
AE Abu Dhabi: Abu Zabi
AT Vienna: Wien
BE Brussels: Bruxelles|Brussel
BE Antwerpen: Antwerp|Anvers
BE Gent: Ghent|Gand
BE Brugge: Bruges
BG Sofia: Sofiya
BR Brasília: Brasilia DF
CH Zürich: Zurich|Zuerich
CH Genève: Geneva|Genf
CH Bern: Berne
CH Basel: Bâle|Basle
CH Luzern: Lucerne
CI Abidjan: Abijan
CN Beijing: Peking
CN Guangzhou: Canton
CN Nanjing: Nanking
CZ Prague: Praha
CZ Brno: Brünn
DE Köln: Cologne|Koeln
DE Munich: München|Muenchen
DE Nürnberg: Nuremberg|Nuernberg
DE Hannover: Hanover
DE Düsseldorf: Duesseldorf
DE Frankfurt am Main: Frankfurt
DK Copenhagen: København
EG Cairo: Al Qahirah
EG Alexandria: Al Iskandariyah
ES Sevilla: Seville
ES Zaragoza: Saragossa
FI Helsinki: Helsingfors
FR Strasbourg: Strassburg
GR Athens: Athína|Athina
GR Thessaloníki: Salonica|Thessalonika
HU Budapest: Buda-Pest
IN Mumbai: Bombay
IN Bengaluru: Bangalore
IN Chennai: Madras
IN Kolkata: Calcutta
IN Pune: Poona
IN Delhi: Dilli
IT Rome: Roma
IT Milan: Milano
IT Naples: Napoli
IT Turin: Torino
IT Florence: Firenze
IT Venice: Venezia
IT Genoa: Genova
IT Padova: Padua
MM Yangon: Rangoon
MX Mexico City: Ciudad de México|CDMX
NL The Hague: Den Haag|'s-Gravenhage
PL Warsaw: Warszawa
PL Kraków: Cracow
PL Gdańsk: Danzig
PT Lisbon: Lisboa
PT Porto: Oporto
RO Bucharest: București
RS Belgrade: Beograd
RU Moscow: Moskva
RU Saint Petersburg: Sankt-Peterburg|Petersburg
SE Göteborg: Gothenburg
TR Istanbul: İstanbul
TR İzmir: Smyrna
UA Kyiv: Kiev
UA Odessa: Odesa
UA Lviv: Lvov|Lemberg
US New York City: NYC|New York
US Los Angeles: LA
US San Francisco: SF|San Fran
US Washington, D.C.: Washington DC|DC
VN Ho Chi Minh City: Saigon
VN Hanoi: Ha Noi
`;

const NAMES: ReadonlyMap<string, readonly CityName[]> = readNames();

function readNames(): Map<string, CityName[]> {
  const names = new Map<string, CityName[]>();
  for (const line of CITY_NAMES.trim().split('\n')) {
    const [name = '', others = ''] = line.slice(3).split(': ');
    for (const other of others.split('|')) {
      const key = placeKey(other);
      names.set(key, [...(names.get(key) ?? []), {name, country: line.slice(0, 2)}]);
    }
  }
  return names;
}
