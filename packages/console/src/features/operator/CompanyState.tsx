import type { OperatorCompany } from '@ownkey/contract/api/operator';
import { useTranslation } from 'react-i18next';
import { formatMoment } from '../../format/time.ts';
import { Icon, type IconName } from '../../ui/Icon.tsx';

/** What is wrong with a company's AI, as marks and words. Tinted only when something is. */
export function CompanyState({ company, now }: { company: OperatorCompany; now: number }) {
  const { t, i18n } = useTranslation();
  const states: { id: string; icon: IconName; ink: string; text: string }[] = [];
  if (!company.ai_enabled) states.push({ id: 'ai', icon: 'barred', ink: '', text: t('companies.ai_off') });
  if (company.paused !== null) {
    const text = company.paused === 'day' ? t('companies.paused_day') : t('companies.paused_month');
    states.push({ id: 'paused', icon: 'clock', ink: 'text-bad', text });
  }
  if (company.keys_failing > 0) {
    const text = `${t('companies.keys', { count: company.keys })}, ${t('companies.failing', { count: company.keys_failing })}`;
    states.push({ id: 'failing', icon: 'cross', ink: 'text-bad', text });
  }
  if (company.fallback_since !== null) {
    const since = formatMoment(company.fallback_since, now, i18n.language);
    states.push({ id: 'fallback', icon: 'alert', ink: 'text-warn', text: t('companies.fallback_since', { since }) });
  }
  if (states.length === 0) return <span className="text-text-2">{t('companies.well')}</span>;
  return (
    <ul className="flex flex-col gap-0.5">
      {states.map(({ id, icon, ink, text }) => (
        <li key={id} className={`flex items-start gap-1.5 ${ink}`}>
          <Icon name={icon} className="mt-0.5" />
          <span>{text}</span>
        </li>
      ))}
    </ul>
  );
}
