import { useTranslation } from 'react-i18next';
import type { AuditEntry } from '../../api/audit.ts';
import { exactUsd } from '../../format/money.ts';
import { CostCell } from './AuditTable.tsx';

/** What a call cost: as shown in the list, to the last digit, and what the figure is based on. */
export function EntryCost({ entry }: { entry: AuditEntry }) {
  const { t } = useTranslation();
  if (entry.cost_usd === null) return <CostCell line={entry} />;
  const basis = entry.price?.basis === 'provider' ? 'provider' : entry.cost_basis;
  return (
    <>
      <CostCell line={entry} />
      <span className="block text-hint text-text-2">
        {exactUsd(entry.cost_usd)}
        {basis === null ? null : ` · ${t(`prices.basis_${basis}`)}`}
      </span>
    </>
  );
}
