import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { SelectField } from '../../ui/Field.tsx';
import { applyTheme, readTheme, showTheme, THEMES } from './theme.ts';

export function ThemeSwitch() {
  const { t } = useTranslation();
  const [theme, setTheme] = useState(readTheme);
  useEffect(() => {
    if (theme !== 'system') return;
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const follow = () => showTheme('system');
    scheme.addEventListener('change', follow);
    return () => scheme.removeEventListener('change', follow);
  }, [theme]);
  return (
    <SelectField
      label={t('shell.theme')}
      value={theme}
      options={THEMES.map((value) => ({ value, label: t(`shell.theme_${value}`) }))}
      onChange={(value) => {
        setTheme(value);
        applyTheme(value);
      }}
    />
  );
}
