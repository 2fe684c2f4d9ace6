/**
 * States and regions of the countries whose users write them in more than one way: the code of ISO 3166-2
 * without the country, the code of GeoNames (`=`: the same), the English name and others in use. Elsewhere
 * a region is what the data calls it.
 */
import {placeKey} from './place-key.ts';

export interface Region {
  /** Of the country, in lower case. */
  readonly country: string;
  readonly code: string;
  /** What GeoNames calls it. */
  readonly geonamesCode: string;
  readonly name: string;
}

/** The regions, of any country, that are called so, by code or by name: several where countries use the same. */
export function regionsCalled(text: string): readonly Region[] {
  return REGIONS.get(placeKey(text)) ?? [];
}

const TABLE = `
US
AL = Alabama
AK = Alaska
AZ = Arizona
AR = Arkansas
CA = California
CO = Colorado
CT = Connecticut
DE = Delaware
DC = District of Columbia|Washington DC
FL = Florida
GA = Georgia
HI = Hawaii
ID = Idaho
IL = Illinois
IN = Indiana
IA = Iowa
KS = Kansas
KY = Kentucky
LA = Louisiana
ME = Maine
MD = Maryland
MA = Massachusetts
MI = Michigan
MN = Minnesota
MS = Mississippi
MO = Missouri
MT = Montana
NE = Nebraska
NV = Nevada
NH = New Hampshire
NJ = New Jersey
NM = New Mexico
NY = New York|New York State
NC = North Carolina
ND = North Dakota
OH = Ohio
OK = Oklahoma
OR = Oregon
PA = Pennsylvania
RI = Rhode Island
SC = South Carolina
SD = South Dakota
TN = Tennessee
TX = Texas
UT = Utah
VT = Vermont
VA = Virginia
WA = Washington|Washington State
WV = West Virginia
WI = Wisconsin
WY = Wyoming
AS = American Samoa
GU = Guam
MP = Northern Mariana Islands
PR = Puerto Rico
VI = U.S. Virgin Islands|Virgin Islands
CA
AB 01 Alberta
BC 02 British Columbia|Colombie-Britannique
MB 03 Manitoba
NB 04 New Brunswick|Nouveau-Brunswick
NL 05 Newfoundland and Labrador|Newfoundland
NS 07 Nova Scotia|Nouvelle-Écosse
NT 13 Northwest Territories
NU 14 Nunavut
ON 08 Ontario
PE 09 Prince Edward Island
QC 10 Quebec|Québec
SK 11 Saskatchewan
YT 12 Yukon|Yukon Territory
AU
ACT 01 Australian Capital Territory
NSW 02 New South Wales
NT 03 Northern Territory
QLD 04 Queensland
SA 05 South Australia
TAS 06 Tasmania
VIC 07 Victoria
WA 08 Western Australia
GB
ENG = England
NIR = Northern Ireland
SCT = Scotland
WLS = Wales
DE
BW 01 Baden-Württemberg
BY 02 Bavaria|Bayern
HB 03 Bremen|Free Hanseatic City of Bremen
HH 04 Hamburg|Free and Hanseatic City of Hamburg
HE 05 Hesse|Hessen
NI 06 Lower Saxony|Niedersachsen
NW 07 North Rhine-Westphalia|Nordrhein-Westfalen
RP 08 Rhineland-Palatinate|Rheinland-Pfalz
SL 09 Saarland
SH 10 Schleswig-Holstein
BB 11 Brandenburg
MV 12 Mecklenburg-Western Pomerania|Mecklenburg-Vorpommern
SN 13 Saxony|Sachsen
ST 14 Saxony-Anhalt|Sachsen-Anhalt
TH 15 Thuringia|Thüringen
BE 16 Berlin|Land Berlin|State of Berlin
FR
ARA 84 Auvergne-Rhône-Alpes
BFC 27 Bourgogne-Franche-Comté
BRE 53 Brittany|Bretagne
CVL 24 Centre-Val de Loire
COR 94 Corsica|Corse|20R
GES 44 Grand Est
HDF 32 Hauts-de-France
IDF 11 Île-de-France
NOR 28 Normandy|Normandie
NAQ 75 Nouvelle-Aquitaine
OCC 76 Occitanie|Occitania
PDL 52 Pays de la Loire
PAC 93 Provence-Alpes-Côte d'Azur
ES
AN 51 Andalusia|Andalucía
AR 52 Aragon|Aragón
AS 34 Asturias|Principality of Asturias
CN 53 Canary Islands|Canarias
CB 39 Cantabria
CL 55 Castile and León|Castilla y León|Castille and León
CM 54 Castilla-La Mancha|Castile-La Mancha
CT 56 Catalonia|Catalunya|Cataluña
CE CE Ceuta
EX 57 Extremadura
GA 58 Galicia
IB 07 Balearic Islands|Illes Balears|Islas Baleares
RI 27 La Rioja
MD 29 Madrid|Community of Madrid|Comunidad de Madrid
ML ML Melilla
MC 31 Murcia|Región de Murcia
NC 32 Navarre|Navarra
PV 59 Basque Country|País Vasco|Euskadi
VC 60 Valencia|Valencian Community|Comunitat Valenciana|Comunidad Valenciana
IT
65 01 Abruzzo
77 02 Basilicata
78 03 Calabria
72 04 Campania
45 05 Emilia-Romagna
36 06 Friuli-Venezia Giulia|Friuli Venezia Giulia
62 07 Lazio|Latium
42 08 Liguria
25 09 Lombardy|Lombardia
57 10 The Marches|Marche
67 11 Molise
21 12 Piedmont|Piemonte
75 13 Apulia|Puglia
88 14 Sardinia|Sardegna
82 15 Sicily|Sicilia
52 16 Tuscany|Toscana
32 17 Trentino-Alto Adige
55 18 Umbria
23 19 Aosta Valley|Valle d'Aosta
34 20 Veneto
BR
AC 01 Acre
AL 02 Alagoas
AP 03 Amapá
AM 04 Amazonas
BA 05 Bahia
CE 06 Ceará
DF 07 Federal District|Distrito Federal
ES 08 Espírito Santo
GO 29 Goiás
MA 13 Maranhão
MT 14 Mato Grosso
MS 11 Mato Grosso do Sul
MG 15 Minas Gerais
PA 16 Pará
PB 17 Paraíba
PR 18 Paraná
PE 30 Pernambuco
PI 20 Piauí
RJ 21 Rio de Janeiro
RN 22 Rio Grande do Norte
RS 23 Rio Grande do Sul
RO 24 Rondônia
RR 25 Roraima
SC 26 Santa Catarina
SP 27 São Paulo
SE 28 Sergipe
TO 31 Tocantins
MX
AGU 01 Aguascalientes
BCN 02 Baja California
BCS 03 Baja California Sur
CAM 04 Campeche
CHP 05 Chiapas
CHH 06 Chihuahua
COA 07 Coahuila|Coahuila de Zaragoza
COL 08 Colima
CMX 09 Mexico City|Ciudad de México|CDMX
DUR 10 Durango
GUA 11 Guanajuato
GRO 12 Guerrero
HID 13 Hidalgo
JAL 14 Jalisco
MEX 15 México|State of Mexico|Estado de México
MIC 16 Michoacán|Michoacán de Ocampo
MOR 17 Morelos
NAY 18 Nayarit
NLE 19 Nuevo León
OAX 20 Oaxaca
PUE 21 Puebla
QUE 22 Querétaro
ROO 23 Quintana Roo
SLP 24 San Luis Potosí
SIN 25 Sinaloa
SON 26 Sonora
TAB 27 Tabasco
TAM 28 Tamaulipas
TLA 29 Tlaxcala
VER 30 Veracruz|Veracruz de Ignacio de la Llave
YUC 31 Yucatán
ZAC 32 Zacatecas
IN
AN 01 Andaman and Nicobar Islands|Andaman and Nicobar
AP 02 Andhra Pradesh
AR 30 Arunachal Pradesh
AS 03 Assam
BR 34 Bihar
CH 05 Chandigarh
CG 37 Chhattisgarh|CT
DL 07 Delhi|NCT of Delhi|National Capital Territory of Delhi
GA 33 Goa
GJ 09 Gujarat
HR 10 Haryana
HP 11 Himachal Pradesh
JH 38 Jharkhand
JK 12 Jammu and Kashmir
KA 19 Karnataka
KL 13 Kerala
LA 41 Ladakh
LD 14 Lakshadweep
MH 16 Maharashtra
ML 18 Meghalaya
MN 17 Manipur
MP 35 Madhya Pradesh
MZ 31 Mizoram
NL 20 Nagaland
OD 21 Odisha|Orissa|OR
PB 23 Punjab
PY 22 Puducherry|Pondicherry
RJ 24 Rajasthan
SK 29 Sikkim
TN 25 Tamil Nadu
TG 40 Telangana|TS
TR 26 Tripura
UP 36 Uttar Pradesh
UK 39 Uttarakhand|UT
WB 28 West Bengal
`;

const REGIONS: ReadonlyMap<string, readonly Region[]> = readTable();

function readTable(): Map<string, Region[]> {
  const regions = new Map<string, Region[]>();
  let country = '';
  for (const line of TABLE.trim().split('\n')) {
    const [code = '', geonames, ...words] = line.split(' ');
    if (geonames === undefined) {
      country = code.toLowerCase();
      continue;
    }
    const [name = '', ...others] = words.join(' ').split('|');
    const geonamesCode = geonames === '=' ? code : geonames;
    const region: Region = {country, code, geonamesCode, name};
    const spellings = [code, `${country} ${code}`, name, ...others].map(placeKey);
    for (const key of new Set(spellings)) {
      const called = regions.get(key);
      if (called === undefined) regions.set(key, [region]);
      else called.push(region);
    }
  }
  return regions;
}
