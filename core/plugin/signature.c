/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/signature.c: see signature.h.
 *
 * The form of the table is exact, to the byte, and nothing may follow it. Otherwise somebody could
 * append to a signed manifest what its signer has never seen. */
#include "plugin/signature.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/file.h"
#include "plugin/refusal.h"

#define PUBLIC_PREFIX "ed25519:"
#define SECRET_PREFIX "ed25519-secret:"
#define KEY_HEX (2 * crypto_sign_PUBLICKEYBYTES)
#define VALUE_HEX (2 * crypto_sign_BYTES)

#define TABLE_LINE "[signature]"
#define BEFORE_KEY TABLE_LINE "\nkey = \"" PUBLIC_PREFIX
#define BEFORE_VALUE "\"\nvalue = \""
#define BEHIND_VALUE "\"\n"

#define TEXT_SIZE(literal) (sizeof (literal) - 1)

/* Where the parts of a well formed table lie from its beginning. */
enum {
  KEY_AT = TEXT_SIZE (BEFORE_KEY),
  VALUE_AT = KEY_AT + KEY_HEX + TEXT_SIZE (BEFORE_VALUE),
  TABLE_SIZE = VALUE_AT + VALUE_HEX + TEXT_SIZE (BEHIND_VALUE)
};

/* A key file is no longer than this, newline included. */
#define KEY_FILE_MAX 128

_Static_assert (crypto_sign_SEEDBYTES == crypto_sign_PUBLICKEYBYTES,
                "secret and public key files have the same number of digits");

static adze_error *
start_sodium (void)
{
  if (sodium_init () < 0)
    return adze_error_new (ADZE_E_INTERNAL, "libsodium does not start");
  return NULL;
}

/* Lower case only: one key has one spelling. */
static bool
read_hex (const char *hex, unsigned char *bytes, size_t size)
{
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < size; i++) {
    const char *high = hex[2 * i] ? strchr (digits, hex[2 * i]) : NULL;
    const char *low = high && hex[2 * i + 1] ? strchr (digits, hex[2 * i + 1]) : NULL;
    if (!low)
      return false;
    bytes[i] = (unsigned char)((high - digits) << 4 | (low - digits));
  }
  return true;
}

/* ---- Key files. */

/* The key in one line of text, with or without a newline. */
static bool
parse_key (const char *text, size_t size, const char *prefix, unsigned char *key)
{
  size_t prefix_size = strlen (prefix);
  if (size > 0 && text[size - 1] == '\n')
    size--;
  return size == prefix_size + KEY_HEX && memcmp (text, prefix, prefix_size) == 0
         && read_hex (text + prefix_size, key, KEY_HEX / 2);
}

static adze_error *
not_a_key (const char *path, const char *what, const char *prefix)
{
  adze_error *error = adze_error_new (ADZE_E_FORMAT, "%s holds no %s", path, what);
  adze_error_set (error, "file", path);
  adze_error_setf (error, "needed", "one line: %s and %u hexadecimal digits", prefix, KEY_HEX);
  adze_error_set (error, "found", "something else");
  adze_error_setf (error, "hint", "put the right file in the place of %s", path);
  return error;
}

static adze_error *
check_owner_only (const char *path, mode_t mode)
{
  if ((mode & 077) == 0)
    return NULL;
  adze_error *error
      = adze_error_new (ADZE_E_TRUST, "the secret key %s is open to others than its owner", path);
  adze_error_set (error, "file", path);
  adze_error_set (error, "needed", "mode 0600");
  adze_error_setf (error, "found", "mode %04o", (unsigned)(mode & 07777));
  adze_error_setf (error, "hint", "chmod 600 %s; if somebody may have read it, make a new key",
                   path);
  return error;
}

/* Reads to the end of the file, or until it is too long for a key. */
static adze_error *
read_few (int fd, const char *path, char *text, size_t room, size_t *size)
{
  *size = 0;
  while (*size < room) {
    ssize_t got = read (fd, text + *size, room - *size);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return adze_error_errno ("cannot read %s", path);
    if (got == 0)
      break;
    *size += (size_t)got;
  }
  return NULL;
}

static adze_error *
read_secret (const char *path, unsigned char seed[crypto_sign_SEEDBYTES])
{
  ADZE_AUTO_FD int fd = -1;
  struct stat status;
  ADZE_TRY (adze_file_open (path, &fd, &status));
  ADZE_TRY (check_owner_only (path, status.st_mode));
  char text[KEY_FILE_MAX];
  size_t size = 0;
  adze_error *error = read_few (fd, path, text, sizeof text, &size);
  if (!error && !parse_key (text, size, SECRET_PREFIX, seed))
    error = not_a_key (path, "secret key", SECRET_PREFIX);
  sodium_memzero (text, sizeof text);
  return error;
}

static adze_error *
read_public (const char *path, unsigned char key[crypto_sign_PUBLICKEYBYTES])
{
  ADZE_AUTO_FREE char *text = NULL;
  size_t size = 0;
  ADZE_TRY (adze_file_read (path, KEY_FILE_MAX, &text, &size));
  if (!parse_key (text, size, PUBLIC_PREFIX, key))
    return not_a_key (path, "public key", PUBLIC_PREFIX);
  return NULL;
}

/* A new key must not take the place of an old one: what that has signed could not be renewed. */
static adze_error *
check_free (const char *path)
{
  struct stat status;
  if (lstat (path, &status) != 0)
    return errno == ENOENT ? NULL : adze_error_errno ("cannot look at %s", path);
  adze_error *error = adze_error_new (ADZE_E_DUPLICATE, "there is a file %s already", path);
  adze_error_set (error, "file", path);
  adze_error_set (error, "hint", "choose another name, or move the old key away");
  return error;
}

static adze_error *
write_key (const char *path, const char *prefix, const unsigned char *key, mode_t mode)
{
  char line[KEY_FILE_MAX];
  char hex[KEY_HEX + 1];
  sodium_bin2hex (hex, sizeof hex, key, KEY_HEX / 2);
  int size = snprintf (line, sizeof line, "%s%s\n", prefix, hex);
  adze_error *error = adze_file_write (path, line, (size_t)size, mode);
  sodium_memzero (line, sizeof line);
  sodium_memzero (hex, sizeof hex);
  return error;
}

/* A folder that was mistyped must not come to be, with a secret key in it. */
static adze_error *
check_folder (const char *path)
{
  ADZE_AUTO_FREE char *folder = strdup (path);
  if (!folder)
    return adze_error_memory ();
  char *slash = strrchr (folder, '/');
  if (!slash || slash == folder)
    return NULL;
  *slash = '\0';
  if (access (folder, F_OK) == 0)
    return NULL;
  adze_error *error = adze_error_errno ("cannot make a key in %s", folder);
  adze_error_set (error, "hint", "make the folder first, for yourself alone: mkdir -m 700");
  return error;
}

adze_error *
adze_key_make (const char *path)
{
  ADZE_TRY (start_sodium ());
  ADZE_AUTO_FREE char *public_path = adze_text_format ("%s.pub", path);
  if (!public_path)
    return adze_error_memory ();
  ADZE_TRY (check_folder (path));
  ADZE_TRY (check_free (path));
  ADZE_TRY (check_free (public_path));
  unsigned char seed[crypto_sign_SEEDBYTES];
  unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
  unsigned char secret_key[crypto_sign_SECRETKEYBYTES];
  randombytes_buf (seed, sizeof seed);
  crypto_sign_seed_keypair (public_key, secret_key, seed);
  adze_error *error = write_key (path, SECRET_PREFIX, seed, 0600);
  sodium_memzero (seed, sizeof seed);
  sodium_memzero (secret_key, sizeof secret_key);
  if (!error)
    error = write_key (public_path, PUBLIC_PREFIX, public_key, 0644);
  if (!error)
    return NULL;
  /* Half a pair would only be in the way of the next attempt; and a file may have got its name
   * before its folder could not be synced. */
  unlink (path);
  unlink (public_path);
  return error;
}

/* ---- The table. */

/* The size of TEXT up to the table that it ends in, or SIZE when it does not end in one. */
static size_t
unsigned_size (const char *text, size_t size)
{
  if (size < TABLE_SIZE)
    return size;
  const char *table = text + size - TABLE_SIZE;
  bool begins_line = size == TABLE_SIZE || table[-1] == '\n';
  bool well_formed
      = memcmp (table, BEFORE_KEY, KEY_AT) == 0
        && memcmp (table + KEY_AT + KEY_HEX, BEFORE_VALUE, TEXT_SIZE (BEFORE_VALUE)) == 0
        && memcmp (table + VALUE_AT + VALUE_HEX, BEHIND_VALUE, TEXT_SIZE (BEHIND_VALUE)) == 0;
  return begins_line && well_formed ? size - TABLE_SIZE : size;
}

/* Is there a line that begins a table of signatures, whatever follows it? */
static bool
mentions_signature (const char *text, size_t size)
{
  bool line_begins = true;
  for (size_t i = 0; i < size; i++) {
    if (line_begins && size - i >= TEXT_SIZE (TABLE_LINE)
        && memcmp (text + i, TABLE_LINE, TEXT_SIZE (TABLE_LINE)) == 0)
      return true;
    line_begins = text[i] == '\n' || (line_begins && (text[i] == ' ' || text[i] == '\t'));
  }
  return false;
}

/* ---- Signing. */

/* An old signature goes away, and the table gets a line of its own. */
static adze_error *
make_ready (adze_buffer *manifest)
{
  size_t size = manifest->data ? unsigned_size (manifest->data, manifest->size) : 0;
  if (size < manifest->size) {
    manifest->size = size;
    manifest->data[size] = '\0';
  } else if (size > 0) {
    adze_buffer_text (manifest, manifest->data[size - 1] == '\n' ? "\n" : "\n\n");
  }
  if (manifest->failed)
    return adze_error_memory ();
  if (size > 0 && mentions_signature (manifest->data, size))
    return adze_error_new (ADZE_E_FORMAT, "cannot sign a manifest that has a [signature] in "
                                          "another place than its end, or in another form");
  return NULL;
}

adze_error *
adze_signature_add (const char *key_path, adze_buffer *manifest)
{
  ADZE_TRY (start_sodium ());
  ADZE_TRY (make_ready (manifest));
  unsigned char seed[crypto_sign_SEEDBYTES];
  adze_error *error = read_secret (key_path, seed);
  if (error)
    return adze_error_wrap (error, "cannot sign");
  unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
  unsigned char secret_key[crypto_sign_SECRETKEYBYTES];
  unsigned char value[crypto_sign_BYTES];
  crypto_sign_seed_keypair (public_key, secret_key, seed);
  crypto_sign_detached (value, NULL, (const unsigned char *)manifest->data, manifest->size,
                        secret_key);
  sodium_memzero (seed, sizeof seed);
  sodium_memzero (secret_key, sizeof secret_key);
  char key_hex[KEY_HEX + 1];
  char value_hex[VALUE_HEX + 1];
  sodium_bin2hex (key_hex, sizeof key_hex, public_key, sizeof public_key);
  sodium_bin2hex (value_hex, sizeof value_hex, value, sizeof value);
  adze_buffer_format (manifest, "%s%s%s%s%s", BEFORE_KEY, key_hex, BEFORE_VALUE, value_hex,
                      BEHIND_VALUE);
  return manifest->failed ? adze_error_memory () : NULL;
}

/* ---- Checking. */

static adze_error *
malformed (const char *path)
{
  return adze_refusal_facts (
      adze_refusal (ADZE_E_TRUST, ADZE_STEP_SIGNATURE, path, "its manifest is not signed properly"),
      "a table [signature] with key and value, in the form that adze writes, and nothing behind it",
      "a table [signature] in another form, or more text behind it",
      "sign it again: adze plugin stamp --key KEY FILE");
}

static adze_error *
does_not_fit (const char *path, const char *key)
{
  adze_error *error
      = adze_refusal (ADZE_E_TRUST, ADZE_STEP_SIGNATURE, path,
                      "its manifest is not what was signed: it has been changed since");
  adze_error_setf (error, "needed", "a signature of the manifest by %s", key);
  adze_error_set (error, "found", "a signature of something else");
  adze_error_set (error, "hint", "get the file anew from whoever signed it, or sign it again: "
                                 "adze plugin stamp --key KEY FILE");
  return error;
}

/* Looks through one folder. A file that holds no key is remembered in *TROUBLE, since it may have
 * been meant to hold this one. */
static adze_error *
search_folder (const char *folder, const unsigned char *key, bool *trusted, adze_error **trouble)
{
  char **names = NULL;
  size_t count = 0;
  ADZE_TRY (adze_folder_names (folder, ".pub", &names, &count));
  for (size_t i = 0; i < count && !*trusted; i++) {
    unsigned char known[crypto_sign_PUBLICKEYBYTES];
    ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", folder, names[i]);
    adze_error *bad = path ? read_public (path, known) : adze_error_memory ();
    if (!bad)
      *trusted = memcmp (known, key, sizeof known) == 0;
    else if (!*trouble)
      *trouble = bad;
    else
      adze_error_free (bad);
  }
  adze_names_free (names, count);
  return NULL;
}

static adze_error *
search_folders (const char *path, const char *const *folders, size_t folder_count,
                const unsigned char *key, bool *trusted)
{
  ADZE_AUTO_ERROR trouble = NULL;
  *trusted = false;
  for (size_t i = 0; i < folder_count && !*trusted; i++) {
    adze_error *error = search_folder (folders[i], key, trusted, &trouble);
    if (error && !trouble)
      trouble = error;
    else
      adze_error_free (error);
  }
  if (*trusted || !trouble)
    return NULL;
  adze_error *error = adze_error_wrap (
      adze_take (&trouble), "cannot use %s: whether its signer is trusted cannot be found out",
      path);
  adze_error_set (error, "step", adze_step_name (ADZE_STEP_SIGNATURE));
  adze_error_set (error, "file", path);
  return error;
}

adze_error *
adze_signature_check (const char *path, const char *text, size_t size,
                      const char *const *folders, size_t folder_count,
                      adze_signature_state *state, char **key)
{
  *state = ADZE_SIGNATURE_NONE;
  if (key)
    *key = NULL;
  size_t covered = unsigned_size (text, size);
  if (covered == size)
    return mentions_signature (text, size) ? malformed (path) : NULL;
  ADZE_TRY (start_sodium ());
  const char *table = text + covered;
  unsigned char signer[crypto_sign_PUBLICKEYBYTES];
  unsigned char value[crypto_sign_BYTES];
  if (!read_hex (table + KEY_AT, signer, sizeof signer)
      || !read_hex (table + VALUE_AT, value, sizeof value))
    return malformed (path);
  ADZE_AUTO_FREE char *name
      = adze_text_format ("%s%.*s", PUBLIC_PREFIX, (int)KEY_HEX, table + KEY_AT);
  if (!name)
    return adze_error_memory ();
  if (crypto_sign_verify_detached (value, (const unsigned char *)text, covered, signer) != 0)
    return does_not_fit (path, name);
  bool trusted;
  ADZE_TRY (search_folders (path, folders, folder_count, signer, &trusted));
  *state = trusted ? ADZE_SIGNATURE_TRUSTED : ADZE_SIGNATURE_UNKNOWN_KEY;
  if (key)
    *key = adze_take (&name);
  return NULL;
}
