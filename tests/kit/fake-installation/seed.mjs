// Stands for the seed: reads what it is given and prints a demonstration company.
let text = '';
for await (const chunk of process.stdin) text += chunk;
const given = JSON.parse(text);
console.log(
  JSON.stringify({
    operator: { email: 'operator@example.com', password: 'p', api_token: 'oky_operator' },
    companies: [
      {
        id: 'co_1',
        name: 'Demo',
        plan: 'pro',
        admin: { email: 'admin@example.com', password: 'p' },
        gateway_token: 'oky_gateway',
        api_token: Object.keys(given.sandbox?.providers ?? {}).join(),
      },
    ],
  }),
);
