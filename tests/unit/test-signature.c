/* SPDX-License-Identifier: Apache-2.0 */
/* Signed manifests: keys are made for their owner alone, a signature is found, and nothing about a
 * signed manifest can be changed unnoticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "plugin/signature.h"

#define MANIFEST "manifest = 1\nid = \"sample\"\nsummary = \"a [signature] in a text\"\n"

/* A folder of its own for each test, with a key in it. */
typedef struct scene {
  char folder[64];
  char key[96];
  char public_key[96];
  char trusted[96];
} scene;

static int
scene_open (void **state)
{
  scene *s = calloc (1, sizeof *s);
  if (!s)
    return -1;
  strcpy (s->folder, "/tmp/adze-test-signature-XXXXXX");
  if (!mkdtemp (s->folder))
    return -1;
  snprintf (s->key, sizeof s->key, "%s/owner", s->folder);
  snprintf (s->public_key, sizeof s->public_key, "%s/owner.pub", s->folder);
  snprintf (s->trusted, sizeof s->trusted, "%s/trusted", s->folder);
  ADZE_AUTO_ERROR error = adze_key_make (s->key);
  *state = s;
  return error ? -1 : 0;
}

static void
empty_folder (const char *folder)
{
  char **names = NULL;
  size_t count = 0;
  ADZE_AUTO_ERROR error = adze_folder_names (folder, "", &names, &count);
  for (size_t i = 0; !error && i < count; i++) {
    char path[400];
    snprintf (path, sizeof path, "%s/%s", folder, names[i]);
    unlink (path);
  }
  adze_names_free (names, count);
  rmdir (folder);
}

static int
scene_close (void **state)
{
  scene *s = *state;
  empty_folder (s->trusted);
  empty_folder (s->folder);
  free (s);
  return 0;
}

static void
assert_has (const char *text, const char *part)
{
  if (!text || !strstr (text, part))
    fail_msg ("there is no \"%s\" in \"%s\"", part, text ? text : "(null)");
}

/* The content of a small file, to be freed. */
static char *
content (const char *path)
{
  char *text = NULL;
  size_t size = 0;
  assert_null (adze_file_read (path, 4096, &text, &size));
  return text;
}

static void
put (const char *path, const char *text, mode_t mode)
{
  assert_null (adze_file_write (path, text, strlen (text), mode));
}

/* Copies the scene's public key into the folder of trusted ones. */
static void
trust (const scene *s, const char *name)
{
  char path[200];
  snprintf (path, sizeof path, "%s/%s", s->trusted, name);
  ADZE_AUTO_FREE char *key = content (s->public_key);
  put (path, key, 0644);
}

static void
sign (const scene *s, const char *text, adze_buffer *manifest)
{
  adze_buffer_text (manifest, text);
  assert_null (adze_signature_add (s->key, manifest));
}

static adze_error *
check (const scene *s, const char *text, size_t size, adze_signature_state *state, char **key)
{
  const char *const folders[] = { "/nowhere/at/all", s->trusted };
  return adze_signature_check ("/somewhere/sample.so", text, size, folders, 2, state, key);
}

static void
assert_state (const scene *s, const adze_buffer *manifest, adze_signature_state expected)
{
  adze_signature_state state;
  ADZE_AUTO_FREE char *key = NULL;
  assert_null (check (s, manifest->data, manifest->size, &state, &key));
  assert_int_equal (state, expected);
  if (expected == ADZE_SIGNATURE_NONE) {
    assert_null (key);
    return;
  }
  ADZE_AUTO_FREE char *owner = content (s->public_key);
  owner[strcspn (owner, "\n")] = '\0';
  assert_string_equal (key, owner);
}

static void
assert_refused (const scene *s, const char *text, size_t size, const char *words)
{
  adze_signature_state state;
  char *key = NULL;
  ADZE_AUTO_ERROR error = check (s, text, size, &state, &key);
  assert_non_null (error);
  assert_null (key);
  assert_int_equal (state, ADZE_SIGNATURE_NONE);
  assert_int_equal (adze_error_status (error), ADZE_E_TRUST);
  assert_string_equal (adze_error_fact (error, "step"), "signature");
  assert_string_equal (adze_error_fact (error, "file"), "/somewhere/sample.so");
  assert_non_null (adze_error_fact (error, "needed"));
  assert_non_null (adze_error_fact (error, "found"));
  assert_has (adze_error_fact (error, "hint"), "adze plugin stamp");
  assert_has (adze_error_message (error), words);
}

/* ---- Keys. */

static void
a_key_is_for_its_owner_alone (void **state)
{
  const scene *s = *state;
  struct stat status;
  assert_int_equal (stat (s->key, &status), 0);
  assert_int_equal (status.st_mode & 07777, 0600);
  assert_int_equal (stat (s->public_key, &status), 0);
  assert_int_equal (status.st_mode & 022, 0);
  ADZE_AUTO_FREE char *secret = content (s->key);
  ADZE_AUTO_FREE char *open = content (s->public_key);
  assert_int_equal (strncmp (secret, "ed25519-secret:", 15), 0);
  assert_int_equal (strlen (secret), 15 + 64 + 1);
  assert_int_equal (strncmp (open, "ed25519:", 8), 0);
  assert_int_equal (strlen (open), 8 + 64 + 1);
}

static void
a_key_never_replaces_a_file (void **state)
{
  const scene *s = *state;
  ADZE_AUTO_FREE char *before = content (s->key);
  ADZE_AUTO_ERROR error = adze_key_make (s->key);
  assert_int_equal (adze_error_status (error), ADZE_E_DUPLICATE);
  assert_has (adze_error_message (error), s->key);
  ADZE_AUTO_FREE char *after = content (s->key);
  assert_string_equal (before, after);
  unlink (s->key);
  ADZE_AUTO_ERROR half = adze_key_make (s->key); /* the .pub is still there */
  assert_int_equal (adze_error_status (half), ADZE_E_DUPLICATE);
  assert_int_equal (access (s->key, F_OK), -1);
  put (s->key, before, 0600);
  unlink (s->public_key);
  ADZE_AUTO_ERROR other_half = adze_key_make (s->key);
  assert_int_equal (adze_error_status (other_half), ADZE_E_DUPLICATE);
  assert_int_equal (access (s->public_key, F_OK), -1);
}

static void
two_keys_differ (void **state)
{
  const scene *s = *state;
  char other[128];
  snprintf (other, sizeof other, "%s/other", s->folder);
  assert_null (adze_key_make (other));
  ADZE_AUTO_FREE char *a = content (s->key);
  ADZE_AUTO_FREE char *b = content (other);
  assert_string_not_equal (a, b);
}

static void
assert_no_key (const scene *s, const char *words)
{
  ADZE_AUTO (adze_buffer) manifest = { 0 };
  adze_buffer_text (&manifest, MANIFEST);
  ADZE_AUTO_ERROR error = adze_signature_add (s->key, &manifest);
  assert_non_null (error);
  ADZE_AUTO_FREE char *text = adze_error_text (error);
  assert_has (text, "cannot sign");
  assert_has (text, s->key);
  assert_has (text, words);
  assert_null (strstr (manifest.data, "\n[signature]"));
}

static void
a_bad_key_file_is_named (void **state)
{
  const scene *s = *state;
  assert_int_equal (chmod (s->key, 0644), 0);
  assert_no_key (s, "mode 0644");
  ADZE_AUTO_FREE char *open = content (s->public_key);
  put (s->key, open, 0600);
  assert_no_key (s, "holds no secret key");
  put (s->key, "", 0600);
  assert_no_key (s, "holds no secret key");
  put (s->key, "ed25519-secret:0123", 0600);
  assert_no_key (s, "ed25519-secret: and 64 hexadecimal digits");
  char twice[200] = { 0 };
  memset (twice, 'a', sizeof twice - 1);
  memcpy (twice, "ed25519-secret:", 15);
  put (s->key, twice, 0600);
  assert_no_key (s, "holds no secret key");
  unlink (s->key);
  assert_no_key (s, "No such file");
}

/* ---- Signing and checking. */

/* The first test vector of RFC 8032: the empty message. */
static void
the_signature_is_ed25519 (void **state)
{
  const scene *s = *state;
  put (s->key,
       "ed25519-secret:9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\n", 0600);
  ADZE_AUTO (adze_buffer) manifest = { 0 };
  assert_null (adze_signature_add (s->key, &manifest));
  assert_string_equal (
      manifest.data,
      "[signature]\n"
      "key = \"ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\"\n"
      "value = \"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
      "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b\"\n");
}

/* The second vector, of the message "r". Right as it is, it is no table, but the end of a line. */
static void
the_table_has_a_line_of_its_own (void **state)
{
  const scene *s = *state;
  ADZE_AUTO (adze_buffer) manifest = { 0 };
  adze_buffer_text (
      &manifest,
      "r[signature]\n"
      "key = \"ed25519:3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c\"\n"
      "value = \"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
      "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00\"\n");
  assert_state (s, &manifest, ADZE_SIGNATURE_NONE);
}

static void
trust_is_a_file_in_a_folder (void **state)
{
  const scene *s = *state;
  ADZE_AUTO (adze_buffer) manifest = { 0 };
  sign (s, MANIFEST, &manifest);
  assert_int_equal (strncmp (manifest.data, MANIFEST "\n[signature]\n", strlen (MANIFEST) + 13), 0);
  assert_state (s, &manifest, ADZE_SIGNATURE_UNKNOWN_KEY);
  trust (s, "owner.txt");
  assert_state (s, &manifest, ADZE_SIGNATURE_UNKNOWN_KEY);
  char other[128];
  snprintf (other, sizeof other, "%s/other", s->trusted);
  assert_null (adze_key_make (other));
  assert_state (s, &manifest, ADZE_SIGNATURE_UNKNOWN_KEY);
  trust (s, "owner.pub");
  assert_state (s, &manifest, ADZE_SIGNATURE_TRUSTED);
}

static void
a_manifest_without_signature_has_none (void **state)
{
  const scene *s = *state;
  ADZE_AUTO (adze_buffer) manifest = { 0 };
  adze_buffer_text (&manifest, MANIFEST);
  assert_state (s, &manifest, ADZE_SIGNATURE_NONE);
  ADZE_AUTO (adze_buffer) empty = { 0 };
  adze_buffer_text (&empty, "");
  assert_state (s, &empty, ADZE_SIGNATURE_NONE);
}

static void
signing_again_replaces_the_signature (void **state)
{
  const scene *s = *state;
  ADZE_AUTO (adze_buffer) once = { 0 };
  ADZE_AUTO (adze_buffer) twice = { 0 };
  sign (s, MANIFEST, &once);
  sign (s, once.data, &twice);
  assert_string_equal (once.data, twice.data);
  ADZE_AUTO (adze_buffer) open = { 0 };
  sign (s, "id = \"no newline\"", &open);
  assert_state (s, &open, ADZE_SIGNATURE_UNKNOWN_KEY);
}

static void
a_foreign_signature_table_is_not_signed_over (void **state)
{
  const scene *s = *state;
  ADZE_AUTO (adze_buffer) manifest = { 0 };
  adze_buffer_text (&manifest, MANIFEST "[signature]\nkey = \"mine\"\n");
  ADZE_AUTO_ERROR error = adze_signature_add (s->key, &manifest);
  assert_int_equal (adze_error_status (error), ADZE_E_FORMAT);
}

/* Every single byte counts: whatever becomes of it, the manifest is not trusted any more. */
static void
no_byte_can_be_changed (void **state)
{
  const scene *s = *state;
  trust (s, "owner.pub");
  ADZE_AUTO (adze_buffer) manifest = { 0 };
  sign (s, MANIFEST, &manifest);
  for (size_t i = 0; i < manifest.size; i++) {
    manifest.data[i] ^= 0x01;
    adze_signature_state found = ADZE_SIGNATURE_NONE;
    ADZE_AUTO_FREE char *key = NULL;
    ADZE_AUTO_ERROR error = check (s, manifest.data, manifest.size, &found, &key);
    if (!error && found != ADZE_SIGNATURE_NONE)
      fail_msg ("byte %zu does not count", i);
    manifest.data[i] ^= 0x01;
  }
  assert_state (s, &manifest, ADZE_SIGNATURE_TRUSTED);
}

static void
nothing_can_be_added_or_left_out (void **state)
{
  const scene *s = *state;
  ADZE_AUTO (adze_buffer) signed_one = { 0 };
  sign (s, MANIFEST, &signed_one);
  ADZE_AUTO (adze_buffer) longer = { 0 };
  adze_buffer_format (&longer, "%s[foreign]\nlibrary = \"libevil.so\"\n", signed_one.data);
  assert_refused (s, longer.data, longer.size, "not signed properly");
  ADZE_AUTO (adze_buffer) line = { 0 };
  adze_buffer_format (&line, "%s\n", signed_one.data);
  assert_refused (s, line.data, line.size, "not signed properly");
  assert_refused (s, signed_one.data, signed_one.size - 1, "not signed properly");
  ADZE_AUTO (adze_buffer) before = { 0 };
  adze_buffer_format (&before, "extra = 1\n%s", signed_one.data);
  assert_refused (s, before.data, before.size, "changed since");
  assert_refused (s, signed_one.data + 13, signed_one.size - 13, "changed since");
  ADZE_AUTO (adze_buffer) empty = { 0 };
  adze_buffer_text (&empty, MANIFEST "\n  [signature]\n");
  assert_refused (s, empty.data, empty.size, "not signed properly");
}

static void
anothers_key_in_the_table_does_not_help (void **state)
{
  const scene *s = *state;
  char other[128];
  snprintf (other, sizeof other, "%s/other", s->folder);
  assert_null (adze_key_make (other));
  trust (s, "owner.pub");
  ADZE_AUTO (adze_buffer) manifest = { 0 };
  adze_buffer_text (&manifest, MANIFEST);
  assert_null (adze_signature_add (other, &manifest));
  ADZE_AUTO_FREE char *owner = content (s->public_key);
  memcpy (strstr (manifest.data, "ed25519:"), owner, 8 + 64);
  assert_refused (s, manifest.data, manifest.size, "changed since");
}

/* ---- Folders of trusted keys. */

static void
a_broken_trusted_key_is_named_where_it_matters (void **state)
{
  const scene *s = *state;
  ADZE_AUTO (adze_buffer) manifest = { 0 };
  sign (s, MANIFEST, &manifest);
  char broken[200];
  snprintf (broken, sizeof broken, "%s/broken.pub", s->trusted);
  put (broken, "ed25519:abc\n", 0644);
  adze_signature_state found;
  ADZE_AUTO_ERROR error = check (s, manifest.data, manifest.size, &found, NULL);
  assert_non_null (error);
  assert_int_equal (found, ADZE_SIGNATURE_NONE);
  assert_string_equal (adze_error_fact (error, "step"), "signature");
  ADZE_AUTO_FREE char *text = adze_error_text (error);
  assert_has (text, broken);
  assert_has (text, "holds no public key");
  trust (s, "owner.pub"); /* behind the broken one, and found all the same */
  assert_state (s, &manifest, ADZE_SIGNATURE_TRUSTED);
}

int
main (void)
{
#define IN_SCENE(test) cmocka_unit_test_setup_teardown (test, scene_open, scene_close)
  const struct CMUnitTest tests[] = {
    IN_SCENE (a_key_is_for_its_owner_alone),
    IN_SCENE (a_key_never_replaces_a_file),
    IN_SCENE (two_keys_differ),
    IN_SCENE (a_bad_key_file_is_named),
    IN_SCENE (the_signature_is_ed25519),
    IN_SCENE (the_table_has_a_line_of_its_own),
    IN_SCENE (trust_is_a_file_in_a_folder),
    IN_SCENE (a_manifest_without_signature_has_none),
    IN_SCENE (signing_again_replaces_the_signature),
    IN_SCENE (a_foreign_signature_table_is_not_signed_over),
    IN_SCENE (no_byte_can_be_changed),
    IN_SCENE (nothing_can_be_added_or_left_out),
    IN_SCENE (anothers_key_in_the_table_does_not_help),
    IN_SCENE (a_broken_trusted_key_is_named_where_it_matters),
  };
  return cmocka_run_group_tests_name ("signature", tests, NULL, NULL);
}
