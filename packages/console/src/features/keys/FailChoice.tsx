import type { FallbackState } from '@ownkey/contract/api/providers';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { RadioField } from '../../ui/Field.tsx';

/** Who may pay when this key fails. Where there is no choice, what happens is said as text, with the reason. */
export function FailChoice(props: {
  value: 'stop' | 'platform';
  onChange: (value: 'stop' | 'platform') => void;
  fallback: FallbackState;
}) {
  const { t } = useTranslation();
  const fixed = fixedText(props.fallback, t);
  if (fixed !== null) {
    return (
      <div>
        <p className="mb-1 font-medium">{t('connect.on_failure')}</p>
        <p className="text-text-2">{fixed}</p>
      </div>
    );
  }
  return (
    <RadioField
      label={t('connect.on_failure')}
      name="on-failure"
      value={props.value}
      onChange={props.onChange}
      options={[
        { value: 'platform', label: t('connect.use_shared'), hint: t('connect.use_shared_hint') },
        { value: 'stop', label: t('connect.stop'), hint: t('connect.stop_hint') },
      ]}
    />
  );
}

/** What happens where nobody here chooses; null: there is a choice. */
export function fixedText({ choice, barred }: FallbackState, t: TFunction): string | null {
  if (barred === 'zero_retention') return t('connect.zero_retention');
  if (barred !== null) return t('connect.no_shared');
  return choice === 'platform' ? t('connect.always_shared') : null;
}
