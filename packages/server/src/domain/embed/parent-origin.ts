import { OwnkeyError } from '@ownkey/contract/errors';
import { isParentOrigin } from '@ownkey/contract/policies';

/** An origin a page may embed from: it goes into a `frame-ancestors` as it is. @throws OwnkeyError request.invalid */
export function readParentOrigin(text: string): string {
  if (!isParentOrigin(text)) {
    const problem = 'parent_origins: each must be an exact origin such as https://app.example.com, without a path.';
    throw new OwnkeyError('request.invalid', { problem, param: 'parent_origins' });
  }
  return text;
}
