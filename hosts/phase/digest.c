/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/phase: SHA-256, which `sha256sum` can hold a bundle against without us. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include "phase/manifest.h"

enum { PIECE = 1 << 20 };

static bool
write_whole (int fd, const unsigned char *bytes, size_t size)
{
  while (size > 0) {
    const ssize_t done = write (fd, bytes, size);
    if (done < 0 && errno != EINTR)
      return false;
    bytes += done > 0 ? done : 0;
    size -= done > 0 ? (size_t)done : 0;
  }
  return true;
}

static bool
feed (int from, int to, crypto_hash_sha256_state *sum, unsigned char *piece, int64_t *bytes)
{
  for (;;) {
    const ssize_t got = read (from, piece, PIECE);
    if (got == 0)
      return true;
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 || (to >= 0 && !write_whole (to, piece, (size_t)got)))
      return false;
    crypto_hash_sha256_update (sum, piece, (unsigned long long)got);
    *bytes += got;
  }
}

bool
phase_digest (int from, int to, char digest[PHASE_DIGEST], int64_t *bytes)
{
  unsigned char sum[crypto_hash_sha256_BYTES];
  crypto_hash_sha256_state state;
  ADZE_CLI_FREE unsigned char *piece = malloc (PIECE);
  *bytes = 0;
  crypto_hash_sha256_init (&state);
  if (!piece || !feed (from, to, &state, piece, bytes))
    return false;
  crypto_hash_sha256_final (&state, sum);
  sodium_bin2hex (digest, PHASE_DIGEST, sum, sizeof sum);
  return true;
}

bool
phase_digest_at (int folder, const char *name, char digest[PHASE_DIGEST], int64_t *bytes)
{
  struct stat found;
  PHASE_FD fd = openat (folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 || fstat (fd, &found) != 0)
    return false;
  errno = EINVAL;
  return S_ISREG (found.st_mode) && phase_digest (fd, -1, digest, bytes);
}

bool
phase_write_at (int folder, const char *name, const void *bytes, size_t size)
{
  PHASE_FD fd = openat (folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  return fd >= 0 && write_whole (fd, bytes, size) && fsync (fd) == 0;
}
