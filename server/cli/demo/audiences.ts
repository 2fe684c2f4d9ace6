/** Five audiences that a small shop fills and empties every few seconds. */
export interface DemoAudience {
  readonly name: string;
  /** The definition in words. */
  readonly means: string;
  readonly definition: object;
}

const purchased = (within: string): object => ({
  kind: 'commerce',
  action: 'purchase',
  when: {within_last: within},
});

export const DEMO_AUDIENCES: readonly DemoAudience[] = [
  {
    name: 'On a spree',
    means: '3 purchases within 10 s',
    definition: {
      ...purchased('10s'),
      compare: {operator: 'greater_or_equal', value: 3},
    },
  },
  {
    name: 'Forgot the till',
    means: 'cart within 20 s, no purchase',
    definition: {
      and: [
        {kind: 'commerce', action: 'add_to_cart', when: {within_last: '20s'}},
        {exclude: purchased('20s')},
      ],
    },
  },
  {
    name: 'Gold, here now',
    means: 'tier is gold, active within 5 s',
    definition: {
      and: [
        {kind: 'user_attribute', attribute: 'tier', operator: 'exact_match', value: 'gold'},
        {
          or: [
            {kind: 'session', when: {within_last: '5s'}},
            {kind: 'screen_view', when: {within_last: '5s'}},
          ],
        },
      ],
    },
  },
  {
    name: 'Just looking',
    means: '5 screens within 15 s, no cart',
    definition: {
      and: [
        {
          kind: 'screen_view',
          when: {within_last: '15s'},
          compare: {operator: 'greater_or_equal', value: 5},
        },
        {exclude: {kind: 'commerce', action: 'add_to_cart', when: {within_last: '15s'}}},
      ],
    },
  },
  {
    name: 'Fresh faces',
    means: 'install or newsletter within 15 s',
    definition: {
      or: [
        {kind: 'install', when: {within_last: '15s'}},
        {kind: 'event', name: 'Newsletter Signup', when: {within_last: '15s'}},
      ],
    },
  },
];
