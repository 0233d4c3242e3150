/* SPDX-License-Identifier: Apache-2.0 */
/* base/digest.c: fingerprints of files and bytes, by libsodium and libxxhash. */
#include "base/digest.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <xxhash.h>

#include "base/file.h"

#define DIGEST_SIZE 32
#define PIECE ((size_t)1 << 20)
#define PREFIX "blake2b:"

_Static_assert (ADZE_DIGEST_TEXT == sizeof PREFIX + DIGEST_SIZE * 2,
                "the prefix, two digits a byte and the NUL");

/* Any number of threads may call it any number of times; the first call does the work. */
static adze_error *
start_sodium (void)
{
  if (sodium_init () < 0)
    return adze_error_new (ADZE_E_INTERNAL, "libsodium does not start");
  return NULL;
}

static void
write_text (const unsigned char digest[DIGEST_SIZE], char text[ADZE_DIGEST_TEXT])
{
  size_t prefix = strlen (PREFIX);
  memcpy (text, PREFIX, prefix);
  sodium_bin2hex (text + prefix, ADZE_DIGEST_TEXT - prefix, digest, DIGEST_SIZE);
}

adze_error *
adze_digest_bytes (const void *bytes, size_t size, char text[ADZE_DIGEST_TEXT])
{
  unsigned char digest[DIGEST_SIZE];
  ADZE_TRY (start_sodium ());
  crypto_generichash (digest, sizeof digest, bytes, size, NULL, 0);
  write_text (digest, text);
  return NULL;
}

adze_error *
adze_digest_file (const char *path, char text[ADZE_DIGEST_TEXT])
{
  ADZE_TRY (start_sodium ());
  ADZE_AUTO_FD int fd = -1;
  ADZE_TRY (adze_file_open (path, &fd, NULL));
  ADZE_AUTO_FREE unsigned char *piece = malloc (PIECE);
  if (!piece)
    return adze_error_memory ();

  crypto_generichash_state state;
  crypto_generichash_init (&state, NULL, 0, DIGEST_SIZE);
  for (;;) {
    ssize_t got = read (fd, piece, PIECE);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0) {
      adze_error *error = adze_error_errno ("cannot read %s", path);
      adze_error_set (error, "file", path);
      return error;
    }
    if (got == 0)
      break;
    crypto_generichash_update (&state, piece, (unsigned long long)got);
  }
  unsigned char digest[DIGEST_SIZE];
  crypto_generichash_final (&state, digest, sizeof digest);
  write_text (digest, text);
  return NULL;
}

uint64_t
adze_hash64 (const void *bytes, size_t size, uint64_t seed)
{
  return XXH3_64bits_withSeed (bytes, size, seed);
}
