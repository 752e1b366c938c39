import type { Caps } from '@ownkey/contract/api/money';
import { useTranslation } from 'react-i18next';
import { Money } from '../../ui/Facts.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { CAP_FIELDS } from './cap-fields.ts';

/** What a member is held to, read-only, with who may change it. */
export function CapsInForce({ caps, reason }: { caps: Caps; reason: string }) {
  const { t } = useTranslation();
  const amount = (usd: string | null) => (usd === null ? t('spend.none') : <Money usd={usd} />);
  return (
    <section aria-labelledby="caps-in-force" className="rounded-card border border-border bg-surface px-4 py-4 sm:px-6">
      <h3 id="caps-in-force" className="font-semibold">
        {t('caps.in_force')}
      </h3>
      <p className="mt-1 flex items-start gap-2 text-text-2">
        <Icon name="lock" className="mt-0.5" />
        <bdi>{reason}</bdi>
      </p>
      <table className="mt-4 w-full max-w-lg text-start">
        <thead className="text-hint text-text-3">
          <tr>
            <td />
            <th scope="col" className="py-1 text-end font-medium">
              {t('caps.company')}
            </th>
            <th scope="col" className="py-1 text-end font-medium">
              {t('caps.you')}
            </th>
          </tr>
        </thead>
        <tbody>
          {CAP_FIELDS.map((field) => (
            <tr key={field} className="border-t border-border">
              <th scope="row" className="py-2 text-start font-normal text-text-2">
                {t(`caps.${field}`)}
              </th>
              <td className="py-2 text-end">{amount(caps.in_force.company[field])}</td>
              <td className="py-2 text-end">{amount(caps.in_force.me[field])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
