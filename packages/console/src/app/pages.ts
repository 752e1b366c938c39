import { lazy } from 'react';
import {
  withAnalyticsTexts,
  withMembersTexts,
  withModelsTexts,
  withMoneyTexts,
  withNoticeTexts,
  withOperatorTexts,
  withTexts,
  withTokensTexts,
} from '../i18n/with-texts.ts';

/** Everything beside the first room: each is loaded, with its texts, when its address is opened. */

export const SignInPage = lazy(() =>
  import('../features/sign-in/SignInPage.tsx').then((m) => ({ default: m.SignInPage })),
);
export const SetUpPage = lazy(() =>
  import('../features/sign-in/SetUpPage.tsx').then((m) => ({ default: m.SetUpPage })),
);
export const ResetPage = lazy(() =>
  import('../features/sign-in/ResetPage.tsx').then((m) => ({ default: m.ResetPage })),
);
export const InvitationPage = lazy(() =>
  import('../features/sign-in/InvitationPage.tsx').then((m) => ({ default: m.InvitationPage })),
);
export const ChooseProvider = lazy(() =>
  import('../features/keys/ChooseProvider.tsx').then((m) => ({ default: m.ChooseProvider })),
);
export const ConnectDialog = lazy(() =>
  import('../features/keys/ConnectDialog.tsx').then((m) => ({ default: m.ConnectDialog })),
);
export const KeyPage = lazy(() => import('../features/keys/KeyPage.tsx').then((m) => ({ default: m.KeyPage })));
export const ReplaceDialog = lazy(() =>
  import('../features/keys/ReplaceDialog.tsx').then((m) => ({ default: m.ReplaceDialog })),
);
export const RemoveDialog = lazy(() =>
  import('../features/keys/RemoveDialog.tsx').then((m) => ({ default: m.RemoveDialog })),
);
export const AuditPage = lazy(() => import('../features/audit/AuditPage.tsx').then((m) => ({ default: m.AuditPage })));
export const EntrySheet = lazy(() =>
  withMoneyTexts(import('../features/audit/EntrySheet.tsx')).then((m) => ({ default: m.EntrySheet })),
);
export const SpendRoom = lazy(() =>
  withMoneyTexts(import('../features/spend/SpendRoom.tsx')).then((m) => ({ default: m.SpendRoom })),
);
export const AnalyticsPage = lazy(() =>
  withAnalyticsTexts(import('../features/analytics/AnalyticsPage.tsx')).then((m) => ({ default: m.AnalyticsPage })),
);
export const ModelsPage = lazy(() =>
  withModelsTexts(import('../features/models/ModelsPage.tsx')).then((m) => ({ default: m.ModelsPage })),
);
export const NoticesPage = lazy(() =>
  withNoticeTexts(import('../features/notices/NoticesPage.tsx')).then((m) => ({ default: m.NoticesPage })),
);
export const TokensPage = lazy(() =>
  withTokensTexts(import('../features/tokens/TokensPage.tsx')).then((m) => ({ default: m.TokensPage })),
);
export const CreateToken = lazy(() =>
  withTokensTexts(import('../features/tokens/CreateToken.tsx')).then((m) => ({ default: m.CreateToken })),
);
export const MembersPage = lazy(() =>
  withMembersTexts(import('../features/members/MembersPage.tsx')).then((m) => ({ default: m.MembersPage })),
);
export const OperatorShell = lazy(() =>
  import('../features/operator/OperatorShell.tsx').then((m) => ({ default: m.OperatorShell })),
);
const companiesTexts = () => import('../i18n/companies-en.ts').then((m) => m.companiesEn);
export const CompaniesPage = lazy(() =>
  withTexts(import('../features/operator/CompaniesPage.tsx'), companiesTexts()).then((m) => ({
    default: m.CompaniesPage,
  })),
);
export const CompanyPage = lazy(() =>
  withTexts(import('../features/operator/CompanyPage.tsx'), companiesTexts()).then((m) => ({ default: m.CompanyPage })),
);
export const PlansPage = lazy(() =>
  withOperatorTexts(import('../features/operator/PlansPage.tsx')).then((m) => ({ default: m.PlansPage })),
);
export const PlanPage = lazy(() =>
  withOperatorTexts(import('../features/operator/PlanPage.tsx')).then((m) => ({ default: m.PlanPage })),
);
export const PoliciesPage = lazy(() =>
  withOperatorTexts(import('../features/operator/PoliciesPage.tsx')).then((m) => ({ default: m.PoliciesPage })),
);
export const OperatorPricesPage = lazy(() =>
  withOperatorTexts(import('../features/operator/OperatorPricesPage.tsx')).then((m) => ({
    default: m.OperatorPricesPage,
  })),
);
const sharedKeysTexts = () => import('../i18n/shared-keys-en.ts').then((m) => m.sharedKeysEn);
export const SharedKeysPage = lazy(() =>
  withTexts(import('../features/operator/SharedKeysPage.tsx'), sharedKeysTexts()).then((m) => ({
    default: m.SharedKeysPage,
  })),
);
export const SharedKeyPage = lazy(() =>
  withTexts(import('../features/operator/SharedKeyPage.tsx'), sharedKeysTexts()).then((m) => ({
    default: m.SharedKeyPage,
  })),
);
export const RemoveSharedKey = lazy(() =>
  import('../features/operator/RemoveSharedKey.tsx').then((m) => ({ default: m.RemoveSharedKey })),
);
export const HealthPage = lazy(() =>
  withTexts(
    import('../features/operator/HealthPage.tsx'),
    import('../i18n/health-en.ts').then((m) => m.healthEn),
  ).then((m) => ({ default: m.HealthPage })),
);
export const MasterKeyPage = lazy(() =>
  withTexts(
    import('../features/operator/MasterKeyPage.tsx'),
    import('../i18n/master-key-en.ts').then((m) => m.masterKeyEn),
  ).then((m) => ({ default: m.MasterKeyPage })),
);
