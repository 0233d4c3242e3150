/* SPDX-License-Identifier: Apache-2.0 */
/* What is read from ELF files: whole ones, foreign ones, and ones that lie. */
#include <link.h>

#include "shared-objects.h"

#include "base/error.h"
#include "plugin/doctor/elf.h"

static const char simple_source[] = PLUGIN "extern int outside (int);\n"
                                           "extern int perhaps (void) __attribute__ ((weak));\n"
                                           "int inside (int n) { return outside (n); }\n"
                                           "int guess (void) { return perhaps ? perhaps () : 0; }\n"
                                           "extern char *strdup (const char *);\n"
                                           "char *copy (const char *s) { return strdup (s); }\n";

static char *
build_simple (void)
{
  skip_without_compiler ();
  return build ("simple.so", simple_source,
                "-Wl,--hash-style=gnu -Wl,-soname,simple.so.3 -Wl,--enable-new-dtags "
                "-Wl,-rpath,'$ORIGIN/libs'");
}

static const adze_elf_symbol *
find_symbol (const adze_elf *elf, const char *name)
{
  for (size_t i = 0; i < elf->symbol_count; i++)
    if (strcmp (elf->symbols[i].name, name) == 0)
      return &elf->symbols[i];
  return NULL;
}

/* A refusal that a stranger could act on. */
static void
check_refusal (adze_error *error, const char *step, adze_status status)
{
  assert_non_null (error);
  assert_int_equal (adze_error_status (error), status);
  assert_string_equal (adze_error_fact (error, "step"), step);
  assert_non_null (adze_error_fact (error, "file"));
  assert_non_null (adze_error_fact (error, "needed"));
  assert_non_null (adze_error_fact (error, "found"));
  assert_non_null (adze_error_fact (error, "hint"));
  adze_error_free (error);
}

static void
check_both (const char *path, const char *step, adze_status status)
{
  adze_elf *elf = NULL;
  check_refusal (adze_elf_read (path, &elf), step, status);
  assert_null (elf);
  check_refusal (adze_elf_precheck (path), step, status);
}

static void
reads_what_a_library_says (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *path = build_simple ();
  ADZE_AUTO_ELF elf = NULL;
  assert_null (adze_elf_read (path, &elf));
  assert_null (adze_elf_precheck (path));
  assert_string_equal (elf->soname, "simple.so.3");
  assert_string_equal (elf->runpath, "$ORIGIN/libs");
  assert_null (elf->rpath);
  assert_true (elf->has_note);
  assert_int_equal (elf->abi_major, 0);
  assert_int_equal (elf->abi_minor, 1);
  assert_false (elf->executable_stack);
  assert_true (find_symbol (elf, "adze_entry")->defined);
  assert_false (find_symbol (elf, "outside")->defined);
  assert_false (find_symbol (elf, "outside")->weak);
  assert_true (find_symbol (elf, "perhaps")->weak);
  const adze_elf_symbol *strdup_symbol = find_symbol (elf, "strdup");
  assert_false (strdup_symbol->defined);
  assert_memory_equal (strdup_symbol->version, "GLIBC_", 6);
  assert_memory_equal (strdup_symbol->library, "libc.so.", 8);
  assert_int_equal (elf->needed_count, 1);
  assert_memory_equal (elf->needed[0], "libc.so.", 8);
}

static void
reads_versions_that_a_library_defines (void **state)
{
  (void)state;
  skip_without_compiler ();
  static const char script[] = "ONE { global: first; local: *; }; TWO { global: second; } ONE;";
  ADZE_AUTO_FREE char *map = in_folder ("versions.map");
  assert_null (adze_file_write (map, script, sizeof script - 1, 0600));
  ADZE_AUTO_FREE char *path
      = build ("versions.so", "int first (void) { return 1; }\nint second (void) { return 2; }\n"
                              "int third (void) { return 3; }\n",
               "-nostdlib -Wl,--version-script,versions.map -Wl,-soname,versions.so");
  ADZE_AUTO_ELF elf = NULL;
  assert_null (adze_elf_read (path, &elf));
  assert_string_equal (find_symbol (elf, "first")->version, "ONE");
  assert_string_equal (find_symbol (elf, "second")->version, "TWO");
  assert_null (find_symbol (elf, "third"));
  assert_true (elf->versions_defined_count >= 2);
  assert_string_equal (elf->versions_defined[elf->versions_defined_count - 1], "TWO");
}

/* With a GNU hash table alone, only its relocations say how many symbols such a file has. */
static void
finds_what_a_library_without_exports_needs (void **state)
{
  (void)state;
  skip_without_compiler ();
  ADZE_AUTO_FREE char *path
      = build ("quiet.so",
               "extern int outside (void);\n"
               "__attribute__ ((constructor)) static void start (void) { outside (); }\n",
               "-nostdlib -Wl,--hash-style=gnu");
  ADZE_AUTO_ELF elf = NULL;
  assert_null (adze_elf_read (path, &elf));
  assert_non_null (find_symbol (elf, "outside"));
  ADZE_AUTO_FREE char *old = build ("old.so", "int one (void) { return 1; }\n",
                                    "-nostdlib -Wl,--hash-style=sysv");
  ADZE_AUTO_ELF old_elf = NULL;
  assert_null (adze_elf_read (old, &old_elf));
  assert_true (find_symbol (old_elf, "one")->defined);
}

static void
refuses_what_is_not_elf (void **state)
{
  (void)state;
  static const char *const contents[]
      = { "", "x", "\177EL", "#!/bin/sh\necho no\n", "!<arch>\nfoo.o/", "MZ what",
          "GROUP ( /lib/libc.so.6 )\n" };
  ADZE_AUTO_FREE char *path = in_folder ("stranger.so");
  for (size_t i = 0; i < ADZE_COUNT_OF (contents); i++) {
    assert_null (adze_file_write (path, contents[i], strlen (contents[i]), 0600));
    check_both (path, "elf", ADZE_E_FORMAT);
  }
  check_both ("/nowhere/at/all.so", "find", ADZE_E_NOT_FOUND);
  check_both (shared_folder, "find", ADZE_E_IO);
}

static void
refuses_other_kinds_of_elf_files (void **state)
{
  (void)state;
  skip_without_compiler ();
  ADZE_AUTO_FREE char *object = compile ("object.o", "int f (void) { return 1; }\n", "-c");
  check_both (object, "elf", ADZE_E_UNSUPPORTED);
  ADZE_AUTO_FREE char *program
      = compile ("program", "int main (void) { return 0; }\n", "-pie");
  adze_elf *elf = NULL;
  check_refusal (adze_elf_read (program, &elf), "elf", ADZE_E_UNSUPPORTED);
  assert_null (adze_elf_read_program (program, &elf));
  adze_elf_free (elf);
}

/* A byte of the header makes it a file for somebody else; the refusal says for whom. */
static void
refuses_other_machines (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *path = build_simple ();
  const ElfW (Half) machine = EM_SPARC;
  ADZE_AUTO_FREE char *sparc = patched (path, "sparc.so", offsetof (ElfW (Ehdr), e_machine),
                                        &machine, sizeof machine);
  ADZE_AUTO_ERROR error = adze_elf_precheck (sparc);
  assert_non_null (strstr (adze_error_fact (error, "found"), "SPARC"));
  assert_null (strstr (adze_error_fact (error, "needed"), "SPARC"));
  assert_non_null (strstr (adze_error_fact (error, "machine"), "SPARC"));
  check_both (sparc, "elf", ADZE_E_UNSUPPORTED);

  char class = sizeof (void *) == 8 ? ELFCLASS32 : ELFCLASS64;
  ADZE_AUTO_FREE char *narrow = patched (path, "narrow.so", EI_CLASS, &class, 1);
  check_both (narrow, "elf", ADZE_E_UNSUPPORTED);
  size_t size;
  ADZE_AUTO_FREE char *data = read_whole (path, &size);
  char order = data[EI_DATA] == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB;
  ADZE_AUTO_FREE char *swapped = patched (path, "swapped.so", EI_DATA, &order, 1);
  check_both (swapped, "elf", ADZE_E_UNSUPPORTED);
}

static void
refuses_every_shortened_copy (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *path = build_simple ();
  size_t size;
  ADZE_AUTO_FREE char *data = read_whole (path, &size);
  ADZE_AUTO_FREE char *cut = in_folder ("cut.so");
  for (size_t length = 0; length < size; length += 64) {
    assert_null (adze_file_write (cut, data, length, 0600));
    check_both (cut, "elf", ADZE_E_FORMAT);
  }
}

/* A file without section headers, as some tools leave them: all of its segments must be there. */
static void
refuses_shortened_segments (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *path = build_simple ();
  size_t size;
  ADZE_AUTO_FREE char *data = read_whole (path, &size);
  ElfW (Ehdr) header;
  memcpy (&header, data, sizeof header);
  size_t end = 0;
  for (size_t i = 0; i < header.e_phnum; i++) {
    ElfW (Phdr) segment;
    memcpy (&segment, data + header.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_type == PT_LOAD && segment.p_offset + segment.p_filesz > end)
      end = segment.p_offset + segment.p_filesz;
  }
  memset (data + offsetof (ElfW (Ehdr), e_shoff), 0, sizeof header.e_shoff);
  ADZE_AUTO_FREE char *cut = in_folder ("cut.so");
  assert_null (adze_file_write (cut, data, end, 0600));
  assert_null (adze_elf_precheck (cut));
  assert_null (adze_file_write (cut, data, end - 1, 0600));
  check_both (cut, "elf", ADZE_E_FORMAT);
}

/* Parses SIZE bytes that end where their memory ends. A result must be usable: every string is
 * walked. */
static void
parse_exact (const char *data, size_t size)
{
  ADZE_AUTO_FREE char *exact = malloc (size ? size : 1);
  assert_non_null (exact);
  memcpy (exact, data, size);
  ADZE_AUTO_ELF elf = NULL;
  adze_error *error = adze_elf_parse ("memory", exact, size, &elf);
  if (error) {
    assert_non_null (adze_error_fact (error, "step"));
    assert_non_null (adze_error_fact (error, "needed"));
    assert_non_null (adze_error_fact (error, "found"));
    adze_error_free (error);
    return;
  }
  size_t length = 0;
  for (size_t i = 0; i < elf->needed_count; i++)
    length += strlen (elf->needed[i]);
  for (size_t i = 0; i < elf->symbol_count; i++)
    length += strlen (elf->symbols[i].name)
              + (elf->symbols[i].version ? strlen (elf->symbols[i].version) : 0);
  for (size_t i = 0; i < elf->versions_needed_count; i++)
    length += strlen (elf->versions_needed[i].library);
  assert_true (length < size * 1024);
}

static void
corrupt_range (char *data, size_t size, size_t start, size_t end)
{
  static const unsigned char values[] = { 0x00, 0x7f, 0xff };
  for (size_t i = start; i < end && i < size; i++) {
    char original = data[i];
    for (size_t k = 0; k < ADZE_COUNT_OF (values); k++) {
      data[i] = (char)values[k];
      parse_exact (data, size);
    }
    data[i] = (char)(original ^ 1);
    parse_exact (data, size);
    data[i] = original;
  }
}

static void
survives_every_corrupted_byte (void **state)
{
  (void)state;
  skip_without_compiler ();
  ADZE_AUTO_FREE char *path
      = build ("small.so", simple_source, "-s -nostdlib -Wl,-z,noseparate-code -lc");
  size_t size;
  ADZE_AUTO_FREE char *data = read_whole (path, &size);
  parse_exact (data, size);
  corrupt_range (data, size, 0, 4096);
  ElfW (Ehdr) header;
  memcpy (&header, data, sizeof header);
  for (size_t i = 0; i < header.e_phnum; i++) {
    ElfW (Phdr) segment;
    memcpy (&segment, data + header.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_type == PT_DYNAMIC && segment.p_offset >= 4096)
      corrupt_range (data, size, segment.p_offset, segment.p_offset + segment.p_filesz);
  }
}

/* Where the value of TAG lies in the file. */
static size_t
dynamic_value (const char *data, ElfW (Sxword) tag)
{
  ElfW (Ehdr) header;
  memcpy (&header, data, sizeof header);
  for (size_t i = 0; i < header.e_phnum; i++) {
    ElfW (Phdr) segment;
    memcpy (&segment, data + header.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_type != PT_DYNAMIC)
      continue;
    for (size_t at = segment.p_offset; at < segment.p_offset + segment.p_filesz;
         at += sizeof (ElfW (Dyn))) {
      ElfW (Dyn) entry;
      memcpy (&entry, data + at, sizeof entry);
      if (entry.d_tag == tag)
        return at + offsetof (ElfW (Dyn), d_un);
    }
  }
  fail_msg ("no entry %ld in the dynamic section", (long)tag);
  return 0;
}

static void
refuses_offsets_that_lead_nowhere (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *path = build_simple ();
  size_t size;
  ADZE_AUTO_FREE char *data = read_whole (path, &size);
  ElfW (Ehdr) header;
  memcpy (&header, data, sizeof header);
  static const struct {
    ElfW (Sxword) tag;
    const char *told; /* in what was found */
  } tags[] = { { DT_STRTAB, "string table" },   { DT_STRSZ, "string table" },
               { DT_SYMTAB, "symbol table" },   { DT_GNU_HASH, "hash table" },
               { DT_VERSYM, "symbol versions" }, { DT_VERNEED, "list of versions" },
               { DT_NEEDED, "DT_NEEDED" },      { DT_RUNPATH, "DT_RUNPATH" } };
  const ElfW (Off) far = (ElfW (Off)) - 64;
  for (size_t i = 0; i < ADZE_COUNT_OF (tags); i++) {
    ADZE_AUTO_FREE char *bad
        = patched (path, "bad.so", dynamic_value (data, tags[i].tag), &far, sizeof far);
    ADZE_AUTO_ELF elf = NULL;
    ADZE_AUTO_ERROR error = adze_elf_read (bad, &elf);
    assert_non_null (error);
    if (!strstr (adze_error_fact (error, "found"), tags[i].told))
      fail_msg ("expected %s in: %s", tags[i].told, adze_error_fact (error, "found"));
    check_refusal (adze_elf_read (bad, &elf), "elf", ADZE_E_FORMAT);
  }
  /* A table that leaves its segment, but not the file. */
  ElfW (Phdr) first;
  memcpy (&first, data + header.e_phoff, sizeof first);
  const ElfW (Xword) long_size = first.p_filesz;
  assert_int_equal (first.p_type, PT_LOAD);
  ADZE_AUTO_FREE char *leaving
      = patched (path, "bad.so", dynamic_value (data, DT_STRSZ), &long_size, sizeof (ElfW (Off)));
  adze_elf *none = NULL;
  check_refusal (adze_elf_read (leaving, &none), "elf", ADZE_E_FORMAT);
  static const size_t fields[] = { offsetof (ElfW (Ehdr), e_phoff), offsetof (ElfW (Ehdr), e_shoff),
                                   sizeof (ElfW (Ehdr)) + offsetof (ElfW (Phdr), p_offset),
                                   sizeof (ElfW (Ehdr)) + offsetof (ElfW (Phdr), p_filesz) };
  assert_int_equal (header.e_phoff, sizeof header);
  for (size_t i = 0; i < ADZE_COUNT_OF (fields); i++) {
    ADZE_AUTO_FREE char *bad = patched (path, "bad.so", fields[i], &far, sizeof far);
    check_both (bad, "elf", ADZE_E_FORMAT);
  }
}

static void
names_machines (void **state)
{
  (void)state;
  char text[ADZE_ELF_MACHINE_TEXT];
  assert_string_equal (adze_elf_machine_name (EM_X86_64, text), "x86-64");
  assert_string_equal (adze_elf_machine_name (EM_AARCH64, text), "AArch64");
  assert_string_equal (adze_elf_machine_name (65535, text), "machine 65535");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (reads_what_a_library_says),
    cmocka_unit_test (reads_versions_that_a_library_defines),
    cmocka_unit_test (finds_what_a_library_without_exports_needs),
    cmocka_unit_test (refuses_what_is_not_elf),
    cmocka_unit_test (refuses_other_kinds_of_elf_files),
    cmocka_unit_test (refuses_other_machines),
    cmocka_unit_test (refuses_every_shortened_copy),
    cmocka_unit_test (refuses_shortened_segments),
    cmocka_unit_test (survives_every_corrupted_byte),
    cmocka_unit_test (refuses_offsets_that_lead_nowhere),
    cmocka_unit_test (names_machines),
  };
  return cmocka_run_group_tests_name ("elf", tests, make_folder, remove_folder);
}
