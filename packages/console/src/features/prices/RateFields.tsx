import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatMoneyAsRead } from '../../format/money.ts';
import { readAmount } from '../../format/read-amount.ts';
import { Button } from '../../ui/Button.tsx';
import { TextField } from '../../ui/Field.tsx';
import { type PriceDraft, RATES, type RateName, type WrongField } from './price-draft.ts';

/** Rates everybody sets; the rest is shown on demand. */
const FIRST = 2;

/** The amounts of a price, each read back beneath its field. */
export function RateFields(props: {
  draft: PriceDraft;
  wrong: ReadonlySet<WrongField>;
  checked: boolean;
  onChange: (change: Pick<PriceDraft, 'rates'>) => void;
}) {
  const { t, i18n } = useTranslation();
  const { draft, wrong } = props;
  const [all, setAll] = useState(() => RATES.slice(FIRST).some((name) => draft.rates[name] !== ''));
  const hintOf = (name: RateName): string | null => {
    const amount = readAmount(draft.rates[name], i18n.language);
    if (amount === null) {
      return draft.rates[name] !== '' || RATES.indexOf(name) < FIRST
        ? null
        : t(`prices.empty_${name === 'request_usd' ? 'request' : 'rate'}`);
    }
    return t(name === 'request_usd' ? 'prices.echo_request' : 'prices.echo_rate', {
      amount: formatMoneyAsRead(amount, i18n.language),
    });
  };
  return (
    <div className="flex flex-col items-start gap-3">
      <div className="grid w-full gap-3 sm:grid-cols-2">
        {(all ? RATES : RATES.slice(0, FIRST)).map((name) => (
          <TextField
            key={name}
            label={t(`prices.${name}`)}
            inputMode="decimal"
            autoComplete="off"
            spellCheck={false}
            maxLength={40}
            value={draft.rates[name]}
            hint={hintOf(name)}
            error={wrong.has(name) && (props.checked || draft.rates[name] !== '') ? t('caps.unreadable') : null}
            onChange={(event) => props.onChange({ rates: { ...draft.rates, [name]: event.target.value } })}
          />
        ))}
      </div>
      {all ? null : (
        <Button kind="quiet" onClick={() => setAll(true)}>
          {t('prices.more_rates')}
        </Button>
      )}
    </div>
  );
}
