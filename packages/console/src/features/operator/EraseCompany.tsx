import type { OperatorCompanyDetail } from '@ownkey/contract/api/operator';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useEraseCompany } from '../../api/companies.ts';
import { explainError } from '../../api/explain-error.ts';
import { formatDay } from '../../format/time.ts';
import { paths } from '../../paths.ts';
import { useCloseTo, useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { AlertDialog } from '../../ui/Dialog.tsx';
import { FailurePanel } from '../../ui/Feedback.tsx';
import { TextField } from '../../ui/Field.tsx';
import { useMessages } from '../../ui/Messages.tsx';

/** Says what goes and until when backups keep it; done only with the company's name typed. */
export function EraseCompany({ company, blocked }: { company: OperatorCompanyDetail; blocked: string | null }) {
  const { t, i18n } = useTranslation();
  const close = useCloseTo(paths.operatorCompany(company.id));
  const go = useGo();
  const erase = useEraseCompany();
  const { say } = useMessages();
  const [typed, setTyped] = useState('');
  // A name of spaces at its ends, or of thousands of characters, could not be typed: its id can.
  const asked = company.name.trim() === company.name && company.name.length <= 200 ? company.name : company.id;
  return (
    <AlertDialog
      title={<bdi>{t('companies.erase_title', { company: company.name.slice(0, 200) })}</bdi>}
      keep={t('companies.erase_keep')}
      onKeep={close}
      confirm={
        <Button
          kind="danger"
          busy={erase.isPending}
          unavailable={blocked ?? (typed === asked ? null : t('companies.erase_wrong'))}
          onClick={() =>
            erase.mutate(company.id, {
              onSuccess: () => {
                say(t('companies.erased', { company: company.name.slice(0, 200) }));
                go(paths.operatorCompanies(), { replace: true });
              },
            })
          }
        >
          {t('companies.erase')}
        </Button>
      }
    >
      <p>{t('companies.erase_what')}</p>
      <p>
        {t('companies.erase_now', { count: company.users })}
        {t('companies.erase_keys', { count: company.keys })}
      </p>
      <p>
        {company.backups_unreadable_by === null
          ? t('companies.erase_backups_none')
          : t('companies.erase_backups', { day: formatDay(company.backups_unreadable_by, i18n.language) })}
      </p>
      <TextField
        label={t('companies.erase_type', { company: asked })}
        value={typed}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setTyped(event.target.value)}
      />
      {erase.isError ? <FailurePanel failure={explainError(erase.error, t)} /> : null}
    </AlertDialog>
  );
}
