/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/signature.h: who vouches for a manifest, and so for the file whose digest is in it.
 *
 * A signed manifest ends in a table
 *   [signature]
 *   key = "ed25519:<64 hex digits>"
 *   value = "<128 hex digits>"
 * over every byte in front of the line "[signature]". A key file holds one line of text:
 * "ed25519-secret:<hex>" for the owner, "ed25519:<hex>" in PATH.pub and folders of trusted keys.
 */
#ifndef ADZE_PLUGIN_SIGNATURE_H
#define ADZE_PLUGIN_SIGNATURE_H

#include "base/buffer.h"

ADZE_MUST_CHECK adze_error *adze_signature_add (const char *key_path, adze_buffer *manifest);

typedef enum adze_signature_state {
  ADZE_SIGNATURE_NONE = 0,
  ADZE_SIGNATURE_UNKNOWN_KEY, /* genuine, but nobody here trusts the key */
  ADZE_SIGNATURE_TRUSTED
} adze_signature_state;

/* TEXT is the whole manifest. FOLDERS of *.pub files; one that is missing has no keys. A signature
 * that does not fit is a refusal of step signature about PATH; *KEY (to be freed, may be NULL on
 * none) names the key. */
ADZE_MUST_CHECK adze_error *adze_signature_check (const char *path, const char *text, size_t size,
                                                  const char *const *folders,
                                                  size_t folder_count,
                                                  adze_signature_state *state, char **key);

#endif
