import { useTranslation } from 'react-i18next';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { usePageTitle } from '../../routing/page-title.ts';
import { PageHeader } from '../../ui/PageHeader.tsx';

/** Not found and not yours are one page. */
export function NotFoundPage() {
  const { t } = useTranslation();
  usePageTitle([t('shell.not_found_title')]);
  return (
    <main className="mx-auto flex max-w-[640px] flex-col items-start gap-4 px-4 py-12">
      <PageHeader title={t('shell.not_found_title')} room="not-found" lead={t('errors.not_found')} />
      <Link to={paths.home()} className="underline">
        {t('shell.home')}
      </Link>
    </main>
  );
}
