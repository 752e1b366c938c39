import { useTranslation } from 'react-i18next';
import { RadioField } from '../../ui/Field.tsx';

/** Who may pay when this key fails. Where the shared key cannot, that is said as text. */
export function FailChoice(props: {
  value: 'stop' | 'platform';
  onChange: (value: 'stop' | 'platform') => void;
  sharedOffered: boolean;
  zeroRetention: boolean;
}) {
  const { t } = useTranslation();
  if (!props.sharedOffered || props.zeroRetention) {
    return (
      <div>
        <p className="mb-1 font-medium">{t('connect.on_failure')}</p>
        <p className="text-text-2">{props.zeroRetention ? t('connect.zero_retention') : t('connect.no_shared')}</p>
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
