import type { Notice } from '@ownkey/contract/api/notices';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { keysQuery, providersQuery } from '../../api/keys.ts';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { Button } from '../../ui/Button.tsx';
import { buttonStyle } from '../../ui/button-style.ts';
import { useOnline } from '../../ui/use-online.ts';
import type { KeyActions } from '../keys/use-key-actions.ts';

/** What may end a notice, one click each. */
export function NoticeFixes({ notice, co, act }: { notice: Notice; co: string; act: KeyActions }) {
  const { t } = useTranslation();
  const offline = useOnline() ? null : t('permission.offline');
  const keys = useQuery(keysQuery);
  const providers = useQuery(providersQuery);
  const key = keys.data?.find(({ id }) => id === notice.key_id);
  const provider = providers.data?.data.find(({ id }) => id === notice.provider);
  if (key === undefined || provider === undefined) return null;
  return notice.fixes.map((fix) => {
    if (fix === 'replace' || fix === 'remove') {
      // Removing is a decision of its own: it is made on the key's page.
      return fix === 'remove' ? null : (
        <Link key={fix} to={paths.replaceKey(co, notice.key_id)} className={buttonStyle('secondary')}>
          {t('act.replace')}
        </Link>
      );
    }
    return fix === 'test' ? (
      <Button
        key={fix}
        unavailable={offline}
        busy={act.testingId === notice.key_id}
        onClick={() => act.test(key, provider)}
      >
        {t('act.test_again')}
      </Button>
    ) : (
      <Button key={fix} unavailable={offline} onClick={() => act.setSource(provider, 'platform')}>
        {t('act.use_shared')}
      </Button>
    );
  });
}
