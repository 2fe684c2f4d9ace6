/**
 * What the product document says of the audience page and of creating, estimating, splitting, downloading,
 * deleting and tagging audiences, sentence by sentence in other words, with the test that holds it or
 * the line of docs/differences.md that says why it is otherwise. The document's pictures, videos and hints to
 * other pages say nothing to hold.
 */
export interface Statement {
  readonly says: string;
  /** `file: title of the test`, under test/. */
  readonly held?: string;
  /** Begins a line of the tables in docs/differences.md. */
  readonly differs?: string;
}

const AUDIENCES = 'api/audiences.test.ts';
const LISTS = 'api/lists.test.ts';
const NESTING = 'api/nesting.test.ts';
const MATRIX = 'api/access-matrix.test.ts';
const SPLITS = 'api/tests.test.ts';
const ESTIMATES = 'questions/estimates.test.ts';
const SAMPLE = 'questions/sample.test.ts';
const DOWNLOADS = 'downloads/downloads.test.ts';
const EXAMPLES = 'engine/documented-examples.test.ts';
const CRITERIA = 'docs/criteria.test.ts';
const FILTERED = `${AUDIENCES}: are filtered by workspace, tags (all of them), status, view and text`;
const FIELDS = `${AUDIENCES}: an audience has every field of the contract, in its order`;
const EVERY_CALL = `${MATRIX}: every call on an audience keeps to its access and to the role`;
const FILE = `${DOWNLOADS}: has a CSV with a row for each identity asked for, and a manifest with every field`;
const VARIANT_FILES = `${DOWNLOADS}: has a file for each variant, and every member in one of them`;
const OUTPUTS = 'Outputs and connections';
const CONSOLE = 'The pages of the console';

export const DOCUMENT: Readonly<Record<string, readonly Statement[]>> = {
  'Real-time audience page': [
    {says: 'all audiences are listed', held: `${AUDIENCES}: lead from page to page and end`},
    {says: 'the number of active ones is told', held: FILTERED},
    {says: 'those of one workspace, of several and shared ones are apart', held: FILTERED},
    {
      says: 'size is the count of mpids',
      held: `${AUDIENCES}: activating answers at once with the audience, which then fills`,
    },
    {
      says: 'adds and drops are those of the last 24 hours',
      held: 'counts/audience-counts.test.ts: a delta falls out after exactly 24 hours',
    },
    {
      says: 'volatility is adds and drops over size',
      held: 'counts/history.test.ts: metrics and history of a live audience survive a restart',
    },
    {says: 'connected outputs are counted', differs: OUTPUTS},
    {says: 'tags are shown', held: FIELDS},
    {
      says: 'when it was last updated is shown',
      held: `${AUDIENCES}: only what is given changes, and null empties`,
    },
    {says: 'who created it is shown', held: FIELDS},
    {
      says: 'access is private, view only or usable',
      held: 'api/auth-matrix.test.ts: private: its owner and admins; to all others it is not there',
    },
    {says: 'status says whether it is active', held: FILTERED},
    {says: 'what can be done with it can be done from there', held: EVERY_CALL},
    {says: 'a page shows all of this', differs: CONSOLE},
  ],
  'Workspaces, inputs and audience criteria': [
    {
      says: 'workspaces are chosen when it is created',
      held: `${AUDIENCES}: another scope means another thing, so it is a new version too`,
    },
    {
      says: 'users and device ids come from the workspaces',
      held: `${EXAMPLES}: sees who a profile is, whichever input told`,
    },
    {
      says: 'crashes, installs, uninstalls and upgrades come from the workspaces',
      held: `${EXAMPLES}: takes a %s from B too`,
    },
    {
      says: 'events, ecommerce, sessions and screen views come from the inputs',
      held: `${EXAMPLES}: takes %j from A only`,
    },
    {
      says: 'identities of input B count for an audience over input A',
      held: `${EXAMPLES}: sees who a profile is, whichever input told`,
    },
  ],
  'Create an audience': [
    {says: 'one or several workspaces', held: FILTERED},
    {says: 'it has a name, and an external name if wanted', held: FIELDS},
    {says: 'the external name is forwarded', differs: 'Names downstream'},
    {says: 'a date range goes without unlimited lookback', differs: 'Unlimited lookback'},
    {
      says: 'platforms and feeds are chosen as inputs',
      held: `${AUDIENCES}: all faults are told at once, each with its place`,
    },
    {
      says: 'it is in the list at once, as a draft',
      held: `${AUDIENCES}: every shard has the definition of a draft before it is answered`,
    },
  ],
  'Define audience criteria': [
    {
      says: 'what counts depends on the configuration',
      held: `${EXAMPLES}: what he does in App B alone is nothing to an audience of App A`,
    },
    {
      says: 'and on the data that is there, as long as it is kept',
      held: `${EXAMPLES}: events past the retention of 30 days are nothing, whatever the dates say`,
    },
    {says: 'and on the plan', differs: 'Retention follows the plan'},
    {says: 'and on the tier of an event', differs: 'Tiers of events'},
    {
      says: 'a definition is there in full before it is calculated, for others to exclude',
      held: `${EXAMPLES}: an audience can exclude another before that one is calculated`,
    },
    {says: 'criteria are combined by and, or and exclude', held: `${CRITERIA}: %s`},
    {
      says: 'a criterion has a size of its own as soon as it is defined',
      held: `${ESTIMATES}: tells the size of every criterion at its place`,
    },
    {says: 'only real-time audiences are estimated', differs: 'Standard audiences'},
    {
      says: 'the estimate comes from a sample',
      held: `${SAMPLE}: who is sampled is told as exactly as by the whole journal, part by part`,
    },
    {
      says: 'it is of the workspaces of the audience',
      held: `${ESTIMATES}: is of the workspaces, inputs and environment that are given`,
    },
    {
      says: 'too few in the sample: ~ and no number',
      held: `${SAMPLE}: too few in the sample: no size, and why`,
    },
    {
      says: 'with platforms and feeds a criterion has to say where its data come from',
      differs: 'A criterion over platforms and feeds',
    },
    {
      says: 'values, recency, frequency, platform and versions qualify it',
      held: `${CRITERIA}: %s`,
    },
    {
      says: 'a draft can be kept to work on later',
      held: `${AUDIENCES}: an audience without a definition is a draft that cannot be activated`,
    },
    {
      says: 'activating fills it',
      held: `${AUDIENCES}: activating answers at once with the audience, which then fills`,
    },
  ],
  'Audience estimator': [
    {
      says: 'an estimate comes at once, before anything is calculated',
      held: `${ESTIMATES}: of %s is what the audience then has`,
    },
    {says: 'calculation begins with the first connection', differs: 'Calculation starts'},
    {
      says: 'an estimate is shown until the calculation is complete',
      differs: 'An estimate is shown until',
    },
    {
      says: 'it is of a sample of all users',
      held: `${SAMPLE}: one profile in 64 is sampled, of sequential mpids as of random ones`,
    },
    {
      says: 'all criteria are applied',
      held: `${ESTIMATES}: of %s is what the audience then has`,
    },
    {
      says: 'it helps to adjust a definition',
      held: `${ESTIMATES}: to %s is what it then does`,
    },
    {
      says: 'once calculated, the size is the actual one',
      held: `${ESTIMATES}: of %s is what the audience then has`,
    },
    {
      says: '~ means too few for the sample, not nobody',
      held: `${SAMPLE}: too few in the sample: no size, and why`,
    },
    {
      says: 'what cannot be estimated for a technical reason is a fault',
      held: 'questions/faults.test.ts: %s is a fault with its reason, and no size',
    },
  ],
  'Audience A/B testing': [
    {
      says: 'an audience is split into variations',
      held: `${SPLITS}: every member is in one variant, in the percentages saved, for good`,
    },
    {says: 'each is connected by itself', differs: OUTPUTS},
    {
      says: '40, 40 and a control of 20',
      held: `${SPLITS}: Control is the rest to 100, whether it is given or not`,
    },
    {says: 'without a test there is one Control with everybody', differs: 'Without a test'},
    {
      says: 'a variation has a percentage',
      held: `${SPLITS}: decimals add up, and variants may leave nothing to Control`,
    },
    {says: 'and may have a name', differs: 'A variation may have a name'},
    {says: 'there are at most five', held: `${SPLITS}: %s is refused with its place`},
    {
      says: 'they add up to 100, and Control is what is left',
      held: `${SPLITS}: Control is the rest to 100, whether it is given or not`,
    },
    {says: 'more than 100 is an error', held: `${SPLITS}: %s is refused with its place`},
    {
      says: 'a variation, Control or everybody can be followed',
      held: `${SPLITS}: a subscriber to variants is sent their members and deltas and no others`,
    },
    {says: 'the list marks audiences with a test', differs: CONSOLE},
    {says: 'variants are named behind the external name downstream', differs: 'Names downstream'},
    {
      says: 'editing the definition moves nobody and leaves the split balanced',
      held: `${SPLITS}: every member is in one variant, in the percentages saved, for good`,
    },
    {says: 'percentages can be edited', differs: 'Percentages of a test'},
    {
      says: 'deleting the test deletes its variations',
      held: `${SPLITS}: is deleted, once, and is not copied by a clone`,
    },
    {says: 'and their connections', differs: OUTPUTS},
  ],
  'Download an audience': [
    {says: 'a calculated audience becomes a CSV file', held: FILE},
    {
      says: 'one that is not calculated does not',
      held: `${DOWNLOADS}: for what is not there is refused, every fault with its place`,
    },
    {says: 'it takes some time', held: 'downloads/jobs.test.ts: tells how far it is'},
    {says: 'only real-time audiences are downloaded', differs: 'Standard audiences'},
    {says: 'one or several audiences at a time', held: VARIANT_FILES},
    {says: 'variants can be chosen', held: VARIANT_FILES},
    {
      says: 'a sample can be chosen',
      held: `${DOWNLOADS}: of a sample holds the same share of the members every time`,
    },
    {says: 'identity types are chosen', held: FILE},
    {says: 'an e-mail brings a link', differs: 'Downloads come with an e-mail'},
    {says: 'it is a ZIP of a CSV for each audience or variant', held: VARIANT_FILES},
    {says: 'and of manifest.json', held: `${DOWNLOADS}: is read by another program`},
    {says: 'there is a row for each identity', held: FILE},
    {
      says: 'a row has mpid, time, value and type, in that order',
      held: 'downloads/csv.test.ts: header and rows are those of the product document, to the letter',
    },
    {says: 'the time is when the membership was read', held: FILE},
    {says: 'two rows of the example are in seconds', differs: '`scanned_timestamp_ms` is seconds'},
    {says: 'the manifest has the fields of the example', held: FILE},
    {
      says: 'files carry id, name and time in their names',
      held: 'downloads/file-names.test.ts: names carry the time, the id and nothing that a user wrote but letters and digits',
    },
    {says: 'the archive carries the name of the product', differs: 'Archives are called'},
  ],
  'Delete an audience': [
    {
      says: 'it is deleted by a call',
      held: `${AUDIENCES}: deleted means gone: here, in the shards, and its id for ever`,
    },
    {says: 'and on two pages', differs: CONSOLE},
    {
      says: 'not while another one nests it, which is said',
      held: `${NESTING}: what others nest can be neither deleted nor emptied, and they are named`,
    },
    {
      says: 'but when nobody nests it any more',
      held: `${NESTING}: what others nest can be neither deleted nor emptied, and they are named`,
    },
    {
      says: 'a message goes downstream',
      held: 'e2e/deleted-audience.test.ts: whoever follows an audience is told that its members leave when it is deleted',
    },
    {says: 'each partner does with it what the table says', differs: OUTPUTS},
  ],
  'Audience tags': [
    {says: 'audiences are found by a tag', held: FILTERED},
    {
      says: 'and sorted',
      held: `${LISTS}: is sorted by any of its metrics, what has none last, page by page`,
    },
    {
      says: 'tags are added and removed',
      held: `${AUDIENCES}: only what is given changes, and null empties`,
    },
    {says: 'several tags find those that have all of them', held: FILTERED},
    {
      says: 'there may be any number of tags',
      held: `${AUDIENCES}: tags have at most 18 characters, and there may be many of them`,
    },
    {
      says: 'a tag has at most 18 characters',
      held: `${AUDIENCES}: tags have at most 18 characters, and there may be many of them`,
    },
    {
      says: 'a clone has the same tags',
      held: `${AUDIENCES}: a clone is a draft of one's own with the same definition and tags`,
    },
  ],
};
