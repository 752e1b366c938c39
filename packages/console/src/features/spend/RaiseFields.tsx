import type { CapField as Field } from '@ownkey/contract/api/money';
import { useTranslation } from 'react-i18next';
import { formatMoneyAsRead } from '../../format/money.ts';
import { readAmount } from '../../format/read-amount.ts';
import { Button } from '../../ui/Button.tsx';
import { SelectField, TextField } from '../../ui/Field.tsx';
import type { RaiseDraft } from './caps-draft.ts';

/** Days or months a raise may last, as offered. Requests count by days. */
const DAYS = [1, 3, 7, 30] as const;
const MONTHS = [1, 2, 3, 6] as const;

/** More than the cap for some days or months; it ends by itself. */
export function RaiseFields(props: {
  field: Field;
  raise: RaiseDraft;
  checked: boolean;
  onChange: (raise: RaiseDraft | undefined) => void;
}) {
  const { t, i18n } = useTranslation();
  const { field, raise, onChange } = props;
  const monthly = field === 'per_month_usd';
  const amount = readAmount(raise.text, i18n.language);
  const unreadable = amount === null && (props.checked || raise.text.trim() !== '');
  return (
    <div className="flex flex-wrap items-start gap-3">
      <div className="w-40">
        <TextField
          label={t('caps.raise_to')}
          inputMode="decimal"
          autoComplete="off"
          spellCheck={false}
          maxLength={60}
          autoFocus
          value={raise.text}
          onChange={(event) => onChange({ ...raise, text: event.target.value })}
          hint={amount === null ? null : t(`caps.echo_${field}`, { amount: formatMoneyAsRead(amount, i18n.language) })}
          error={unreadable ? t('caps.unreadable') : null}
        />
      </div>
      <SelectField
        label={t('caps.raise_for')}
        value={String(raise.periods)}
        options={(monthly ? MONTHS : DAYS).map((count) => ({
          value: String(count),
          label:
            count === 1
              ? t(monthly ? 'caps.this_month' : 'caps.today_only')
              : t(monthly ? 'caps.months' : 'caps.days', { count }),
        }))}
        onChange={(periods) => onChange({ ...raise, periods: Number(periods) })}
      />
      <Button kind="quiet" className="mt-6" onClick={() => onChange(undefined)}>
        {t('caps.raise_cancel')}
      </Button>
    </div>
  );
}
