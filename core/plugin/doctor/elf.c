/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/doctor/elf.c: what an ELF file tells the dynamic linker. */
#include "plugin/doctor/elf.h"

#include <adze/plugin.h>
#include <inttypes.h>
#include <string.h>

#include "plugin/doctor/elf_image.h"

/* The index of a symbol's version has 15 bits. */
#define VERSION_MAX 0x8000

/* Symbols of one hash are a handful; a list that is longer only wants to be read for hours. */
#define CHAIN_MAX (1u << 20)

/* Tags from 0 on that are kept; the others that matter have places of their own. */
#define TAG_COUNT 38

typedef struct elf_dynamic {
  ElfW (Dyn) *entries;
  size_t count;
  uint64_t value[TAG_COUNT];
  bool has[TAG_COUNT];
  uint64_t gnu_hash, versym, verneed, verneednum, verdef, verdefnum, flags_1;
} elf_dynamic;

typedef struct elf_reader {
  adze_elf_image image;
  elf_dynamic dynamic;
  adze_elf *elf;
  adze_elf_version *versions; /* by index */
  size_t version_steps;
} elf_reader;

static void
elf_reader_cleanup (elf_reader *reader)
{
  adze_elf_image_cleanup (&reader->image);
  free (reader->dynamic.entries);
  free (reader->versions);
  adze_elf_free (reader->elf);
}

void
adze_elf_free (adze_elf *elf)
{
  if (!elf)
    return;
  free (elf->path);
  free (elf->strings);
  free (elf->interpreter);
  free (elf->needed);
  free (elf->symbols);
  free (elf->versions_needed);
  free (elf->versions_defined);
  free (elf);
}

/* ---- The dynamic section. */

static void
keep_entry (elf_dynamic *dynamic, uint64_t tag, uint64_t value)
{
  if (tag < TAG_COUNT) {
    dynamic->value[tag] = value;
    dynamic->has[tag] = true;
    return;
  }
  switch (tag) {
  case DT_GNU_HASH:
    dynamic->gnu_hash = value;
    break;
  case DT_VERSYM:
    dynamic->versym = value;
    break;
  case DT_VERNEED:
    dynamic->verneed = value;
    break;
  case DT_VERNEEDNUM:
    dynamic->verneednum = value;
    break;
  case DT_VERDEF:
    dynamic->verdef = value;
    break;
  case DT_VERDEFNUM:
    dynamic->verdefnum = value;
    break;
  case DT_FLAGS_1:
    dynamic->flags_1 = value;
    break;
  default:
    break;
  }
}

static adze_error *
read_dynamic (elf_reader *reader)
{
  const adze_elf_image *image = &reader->image;
  const ElfW (Phdr) *found = NULL;
  for (size_t i = 0; i < image->segment_count; i++)
    if (image->segments[i].p_type == PT_DYNAMIC)
      found = &image->segments[i];
  if (!found)
    return adze_refusal_facts (adze_refusal (ADZE_E_FORMAT, ADZE_STEP_ELF, image->path,
                                             "it has no dynamic section"),
                               "a shared object", "an ELF file that is linked statically",
                               "link it with cc -shared -fPIC");
  elf_dynamic *dynamic = &reader->dynamic;
  size_t most = (size_t)(found->p_filesz / sizeof (ElfW (Dyn)));
  char *table = NULL;
  ADZE_TRY (adze_elf_image_table (image, "the dynamic section", found->p_vaddr, most,
                                  sizeof (ElfW (Dyn)), &table));
  dynamic->entries = (ElfW (Dyn) *)(void *)table;
  for (size_t i = 0; i < most && dynamic->entries[i].d_tag != DT_NULL; i++) {
    keep_entry (dynamic, (uint64_t)dynamic->entries[i].d_tag, dynamic->entries[i].d_un.d_val);
    dynamic->count++;
  }
  return NULL;
}

static adze_error *
read_strings (elf_reader *reader)
{
  const elf_dynamic *dynamic = &reader->dynamic;
  adze_elf *elf = reader->elf;
  uint64_t size = dynamic->value[DT_STRSZ];
  if (!dynamic->has[DT_STRTAB] || size == 0)
    return adze_elf_image_contradiction (&reader->image, "it has no dynamic string table");
  ADZE_TRY (adze_elf_image_table (&reader->image, "the dynamic string table",
                                  dynamic->value[DT_STRTAB], size, 1, &elf->strings));
  elf->strings_size = (size_t)size;
  return NULL;
}

static adze_error *
string_at (const elf_reader *reader, const char *what, uint64_t offset, const char **text)
{
  if (offset >= reader->elf->strings_size)
    return adze_elf_image_contradiction (
        &reader->image, "%s has its name at %" PRIu64 " of a string table of %zu bytes", what,
        offset, reader->elf->strings_size);
  *text = reader->elf->strings + offset;
  return NULL;
}

static adze_error *
optional_string (const elf_reader *reader, const char *what, size_t tag, const char **text)
{
  const elf_dynamic *dynamic = &reader->dynamic;
  return dynamic->has[tag] ? string_at (reader, what, dynamic->value[tag], text) : NULL;
}

static adze_error *
read_names (elf_reader *reader)
{
  const elf_dynamic *dynamic = &reader->dynamic;
  adze_elf *elf = reader->elf;
  ADZE_TRY (optional_string (reader, "DT_SONAME", DT_SONAME, &elf->soname));
  ADZE_TRY (optional_string (reader, "DT_RUNPATH", DT_RUNPATH, &elf->runpath));
  if (!elf->runpath)
    ADZE_TRY (optional_string (reader, "DT_RPATH", DT_RPATH, &elf->rpath));
  elf->needed = calloc (dynamic->count + 1, sizeof *elf->needed);
  if (!elf->needed)
    return adze_error_memory ();
  for (size_t i = 0; i < dynamic->count; i++)
    if (dynamic->entries[i].d_tag == DT_NEEDED)
      ADZE_TRY (string_at (reader, "DT_NEEDED", dynamic->entries[i].d_un.d_val,
                           &elf->needed[elf->needed_count++]));
  return NULL;
}

static adze_error *
read_flags (elf_reader *reader, bool program)
{
  const elf_dynamic *dynamic = &reader->dynamic;
  adze_elf *elf = reader->elf;
  elf->text_relocations
      = dynamic->has[DT_TEXTREL] || (dynamic->value[DT_FLAGS] & DF_TEXTREL) != 0;
  elf->own_folders_only = (dynamic->flags_1 & DF_1_NODEFLIB) != 0;
  elf->not_for_dlopen = (dynamic->flags_1 & DF_1_NOOPEN) != 0;
  if ((dynamic->flags_1 & DF_1_PIE) != 0 && !program)
    return adze_refusal_facts (adze_refusal (ADZE_E_UNSUPPORTED, ADZE_STEP_ELF,
                                             reader->image.path,
                                             "it is a program, not a shared object"),
                               "a shared object", "a position-independent program (DF_1_PIE)",
                               "link it with cc -shared -fPIC, without -pie");
  return NULL;
}

/* ---- Versions. */

/* An index may be claimed twice by a damaged file: the later one counts, as good as any. */
static adze_error *
keep_version (elf_reader *reader, uint16_t index, adze_elf_version version)
{
  if (!reader->versions)
    reader->versions = calloc (VERSION_MAX, sizeof *reader->versions);
  if (!reader->versions)
    return adze_error_memory ();
  reader->versions[index & (VERSION_MAX - 1)] = version;
  return NULL;
}

/* The lists of versions are chained by hand: without a bound, a chain whose links share their
 * members takes the square of its length to walk. */
static adze_error *
count_step (elf_reader *reader)
{
  if (reader->version_steps++ < VERSION_MAX)
    return NULL;
  return adze_elf_image_contradiction (&reader->image, "it has more than %d symbol versions",
                                       VERSION_MAX);
}

static adze_error *
add_needed_version (elf_reader *reader, const ElfW (Vernaux) *member, const char *library)
{
  adze_elf *elf = reader->elf;
  const char *name = NULL;
  ADZE_TRY (string_at (reader, "a version that is needed", member->vna_name, &name));
  size_t count = elf->versions_needed_count;
  if ((count & (count + 1)) == 0) { /* full at 0, 1, 3, 7 ... */
    adze_elf_version *grown = realloc (elf->versions_needed, (2 * count + 1) * sizeof *grown);
    if (!grown)
      return adze_error_memory ();
    elf->versions_needed = grown;
  }
  bool weak = (member->vna_flags & VER_FLG_WEAK) != 0;
  adze_elf_version version = { name, library, weak };
  elf->versions_needed[elf->versions_needed_count++] = version;
  return keep_version (reader, member->vna_other, version);
}

static adze_error *
read_versions_needed (elf_reader *reader)
{
  const adze_elf_image *image = &reader->image;
  uint64_t address = reader->dynamic.verneed;
  for (uint64_t left = address ? reader->dynamic.verneednum : 0; left > 0; left--) {
    ElfW (Verneed) need;
    ADZE_TRY (count_step (reader));
    ADZE_TRY (adze_elf_image_at (image, "a list of versions", address, &need, sizeof need));
    const char *library = NULL;
    ADZE_TRY (string_at (reader, "a library with versions", need.vn_file, &library));
    uint64_t at = address + need.vn_aux;
    for (unsigned i = 0; i < need.vn_cnt; i++) {
      ElfW (Vernaux) member;
      ADZE_TRY (count_step (reader));
      ADZE_TRY (adze_elf_image_at (image, "a version", at, &member, sizeof member));
      ADZE_TRY (add_needed_version (reader, &member, library));
      if (member.vna_next == 0)
        break;
      at += member.vna_next;
    }
    if (need.vn_next == 0)
      break;
    address += need.vn_next;
  }
  return NULL;
}

static adze_error *
add_defined_version (elf_reader *reader, uint64_t address, const ElfW (Verdef) *definition)
{
  adze_elf *elf = reader->elf;
  ElfW (Verdaux) member;
  ADZE_TRY (adze_elf_image_at (&reader->image, "a version", address + definition->vd_aux, &member,
                               sizeof member));
  const char *name = NULL;
  ADZE_TRY (string_at (reader, "a version that is defined", member.vda_name, &name));
  size_t count = elf->versions_defined_count;
  if ((count & (count + 1)) == 0) {
    const char **grown = realloc (elf->versions_defined, (2 * count + 1) * sizeof *grown);
    if (!grown)
      return adze_error_memory ();
    elf->versions_defined = grown;
  }
  elf->versions_defined[elf->versions_defined_count++] = name;
  /* The file's own name stands among the versions; its symbols have none. */
  if ((definition->vd_flags & VER_FLG_BASE) != 0)
    return NULL;
  return keep_version (reader, definition->vd_ndx, (adze_elf_version){ .name = name });
}

static adze_error *
read_versions_defined (elf_reader *reader)
{
  uint64_t address = reader->dynamic.verdef;
  for (uint64_t left = address ? reader->dynamic.verdefnum : 0; left > 0; left--) {
    ElfW (Verdef) definition;
    ADZE_TRY (count_step (reader));
    ADZE_TRY (adze_elf_image_at (&reader->image, "a list of versions", address, &definition,
                                 sizeof definition));
    ADZE_TRY (add_defined_version (reader, address, &definition));
    if (definition.vd_next == 0)
      break;
    address += definition.vd_next;
  }
  return NULL;
}

/* ---- Symbols. Nothing in a file says how many there are: one of the hash tables does, and where
 * that has none, the relocations know which are used. */

static adze_error *
count_by_gnu_hash (const elf_reader *reader, uint64_t *count)
{
  const adze_elf_image *image = &reader->image;
  uint32_t header[4]; /* buckets, first symbol, words of the filter, its shift */
  uint64_t address = reader->dynamic.gnu_hash;
  ADZE_TRY (adze_elf_image_at (image, "the hash table", address, header, sizeof header));
  address += sizeof header + (uint64_t)header[2] * sizeof (ElfW (Addr));
  ADZE_AUTO_FREE char *table = NULL;
  ADZE_TRY (adze_elf_image_table (image, "the hash table", address, header[0], sizeof (uint32_t),
                                  &table));
  uint32_t last = 0;
  for (size_t i = 0; i < header[0]; i++) {
    uint32_t first;
    memcpy (&first, table + i * sizeof first, sizeof first);
    last = first > last ? first : last;
  }
  if (last == 0)
    return NULL; /* nothing is exported; what is needed is not counted here */
  if (last < header[1])
    return adze_elf_image_contradiction (image, "its hash table begins behind symbol %u", last);
  address += (uint64_t)header[0] * sizeof (uint32_t);
  address += (uint64_t)(last - header[1]) * sizeof (uint32_t);
  for (uint32_t i = 0; i < CHAIN_MAX; i++) { /* to the end of the last chain */
    uint32_t hash;
    ADZE_TRY (adze_elf_image_at (image, "the hash table", address + i * sizeof hash, &hash,
                                 sizeof hash));
    if ((hash & 1) != 0) {
      *count = (uint64_t)last + i + 1;
      return NULL;
    }
  }
  return adze_elf_image_contradiction (image, "its hash table does not end");
}

/* The highest index in SIZE bytes of relocations of ELEMENT bytes each, of which r_info is the
 * second word. */
static adze_error *
count_by_table (const elf_reader *reader, uint64_t address, uint64_t size, size_t element,
                uint64_t *count)
{
  ADZE_AUTO_FREE char *table = NULL;
  ADZE_TRY (adze_elf_image_table (&reader->image, "a table of relocations", address,
                                  size / element, element, &table));
  for (uint64_t i = 0; i < size / element; i++) {
    ElfW (Rel) entry;
    memcpy (&entry, table + i * element, sizeof entry);
    uint64_t info = entry.r_info;
    uint64_t index = sizeof entry.r_info == 8 ? info >> 32 : info >> 8;
    if (index >= *count)
      *count = index + 1;
  }
  return NULL;
}

static adze_error *
count_by_relocations (const elf_reader *reader, uint64_t *count)
{
  const elf_dynamic *dynamic = &reader->dynamic;
  const uint64_t *value = dynamic->value;
  size_t rel = sizeof (ElfW (Rel)), rela = sizeof (ElfW (Rela));
  if (dynamic->has[DT_RELA])
    ADZE_TRY (count_by_table (reader, value[DT_RELA], value[DT_RELASZ], rela, count));
  if (dynamic->has[DT_REL])
    ADZE_TRY (count_by_table (reader, value[DT_REL], value[DT_RELSZ], rel, count));
  if (dynamic->has[DT_JMPREL])
    ADZE_TRY (count_by_table (reader, value[DT_JMPREL], value[DT_PLTRELSZ],
                              value[DT_PLTREL] == DT_RELA ? rela : rel, count));
  return NULL;
}

static adze_error *
count_symbols (const elf_reader *reader, uint64_t *count)
{
  const elf_dynamic *dynamic = &reader->dynamic;
  *count = 0;
  if (dynamic->has[DT_HASH]) {
    uint32_t header[2]; /* buckets, symbols */
    ADZE_TRY (adze_elf_image_at (&reader->image, "the hash table", dynamic->value[DT_HASH], header,
                                 sizeof header));
    *count = header[1];
  } else if (dynamic->gnu_hash != 0)
    ADZE_TRY (count_by_gnu_hash (reader, count));
  return *count == 0 ? count_by_relocations (reader, count) : NULL;
}

static adze_error *
keep_symbol (elf_reader *reader, const ElfW (Sym) *raw, uint16_t version)
{
  adze_elf *elf = reader->elf;
  unsigned bind = raw->st_info >> 4, type = raw->st_info & 15, sight = raw->st_other & 3;
  if (bind == STB_LOCAL || type == STT_SECTION || type == STT_FILE || raw->st_name == 0)
    return NULL;
  adze_elf_symbol *symbol = &elf->symbols[elf->symbol_count];
  ADZE_TRY (string_at (reader, "a symbol", raw->st_name, &symbol->name));
  symbol->weak = bind == STB_WEAK;
  symbol->defined = raw->st_shndx != SHN_UNDEF;
  if (symbol->defined && (sight == STV_HIDDEN || sight == STV_INTERNAL))
    return NULL; /* nobody else sees it */
  version &= VERSION_MAX - 1;
  if (version > VER_NDX_GLOBAL && reader->versions) {
    symbol->version = reader->versions[version].name;
    symbol->library = reader->versions[version].library;
  }
  elf->symbol_count++;
  return NULL;
}

static adze_error *
read_symbols (elf_reader *reader)
{
  const elf_dynamic *dynamic = &reader->dynamic;
  uint64_t count;
  ADZE_TRY (count_symbols (reader, &count));
  if (!dynamic->has[DT_SYMTAB] || count == 0)
    return NULL;
  if (dynamic->has[DT_SYMENT] && dynamic->value[DT_SYMENT] != sizeof (ElfW (Sym)))
    return adze_elf_image_contradiction (&reader->image, "its symbols have %" PRIu64 " bytes each",
                                         dynamic->value[DT_SYMENT]);
  ADZE_AUTO_FREE char *table = NULL;
  ADZE_AUTO_FREE char *versions = NULL;
  ADZE_TRY (adze_elf_image_table (&reader->image, "the symbol table", dynamic->value[DT_SYMTAB],
                                  count, sizeof (ElfW (Sym)), &table));
  if (dynamic->versym)
    ADZE_TRY (adze_elf_image_table (&reader->image, "the table of symbol versions",
                                    dynamic->versym, count, sizeof (uint16_t), &versions));
  reader->elf->symbols = calloc ((size_t)count, sizeof *reader->elf->symbols);
  if (!reader->elf->symbols)
    return adze_error_memory ();
  for (size_t i = 1; i < count; i++) { /* number 0 stands for none */
    ElfW (Sym) raw;
    uint16_t version = VER_NDX_GLOBAL;
    memcpy (&raw, table + i * sizeof raw, sizeof raw);
    if (versions)
      memcpy (&version, versions + i * sizeof version, sizeof version);
    ADZE_TRY (keep_symbol (reader, &raw, version));
  }
  return NULL;
}

/* ---- Notes. */

/* How far apart notes lie: a segment says whether they are aligned to 4 or to 8. */
static uint64_t
note_step (uint64_t size, uint64_t align)
{
  return (size + align - 1) & ~(align - 1);
}

static adze_error *
read_notes (elf_reader *reader, const ElfW (Phdr) *segment)
{
  uint64_t align = segment->p_align == 8 ? 8 : 4;
  uint64_t size = segment->p_filesz;
  for (uint64_t at = 0; size - at >= sizeof (ElfW (Nhdr));) {
    adze_plugin_note note = { 0 };
    uint64_t left = size - at;
    ADZE_TRY (adze_elf_image_read (&reader->image, "a note", segment->p_offset + at, &note,
                                   left < sizeof note ? (size_t)left : sizeof note));
    if (note.name_size == sizeof note.name && note.type == ADZE_PLUGIN_NOTE_ABI
        && memcmp (note.name, "adze\0\0\0", sizeof note.name) == 0 && note.content_size >= 8
        && left >= offsetof (adze_plugin_note, descriptor_size)) {
      reader->elf->has_note = true;
      reader->elf->abi_major = note.abi_major;
      reader->elf->abi_minor = note.abi_minor;
      return NULL;
    }
    uint64_t step = note_step (sizeof (ElfW (Nhdr)) + (uint64_t)note.name_size, align)
                    + note_step (note.content_size, align);
    if (step > left)
      break; /* not a list of notes as we know it; the descriptor will tell */
    at += step;
  }
  return NULL;
}

static adze_error *
read_interpreter (elf_reader *reader, const ElfW (Phdr) *segment)
{
  free (adze_take (&reader->elf->interpreter));
  size_t size = segment->p_filesz < 4096 ? (size_t)segment->p_filesz : 4096;
  char *name = calloc (1, size + 1);
  if (!name)
    return adze_error_memory ();
  reader->elf->interpreter = name;
  return adze_elf_image_read (&reader->image, "the interpreter's name", segment->p_offset, name,
                              size);
}

static adze_error *
read_segments (elf_reader *reader)
{
  const adze_elf_image *image = &reader->image;
  for (size_t i = 0; i < image->segment_count; i++) {
    const ElfW (Phdr) *segment = &image->segments[i];
    if (segment->p_type == PT_GNU_STACK && (segment->p_flags & PF_X) != 0)
      reader->elf->executable_stack = true;
    if (segment->p_type == PT_TLS && (reader->dynamic.value[DT_FLAGS] & DF_STATIC_TLS) != 0)
      reader->elf->static_tls = segment->p_memsz;
    if (segment->p_type == PT_NOTE && !reader->elf->has_note)
      ADZE_TRY (read_notes (reader, segment));
    if (segment->p_type == PT_INTERP)
      ADZE_TRY (read_interpreter (reader, segment));
  }
  return NULL;
}

/* ---- All of it. */

static adze_error *
read_image (elf_reader *reader, bool program, adze_elf **elf)
{
  ADZE_TRY (adze_elf_image_check (&reader->image, program));
  reader->elf = calloc (1, sizeof *reader->elf);
  if (!reader->elf || !(reader->elf->path = strdup (reader->image.path)))
    return adze_error_memory ();
  reader->elf->size = reader->image.size;
  reader->elf->machine = reader->image.header.e_machine;
  ADZE_TRY (read_dynamic (reader));
  ADZE_TRY (read_flags (reader, program));
  ADZE_TRY (read_strings (reader));
  ADZE_TRY (read_names (reader));
  ADZE_TRY (read_versions_needed (reader));
  ADZE_TRY (read_versions_defined (reader));
  ADZE_TRY (read_symbols (reader));
  ADZE_TRY (read_segments (reader));
  *elf = adze_take (&reader->elf);
  return NULL;
}

adze_error *
adze_elf_read (const char *path, adze_elf **elf)
{
  ADZE_AUTO (elf_reader) reader = { .image = ADZE_ELF_IMAGE_INIT };
  ADZE_TRY (adze_elf_image_open (path, &reader.image));
  return read_image (&reader, false, elf);
}

adze_error *
adze_elf_read_program (const char *path, adze_elf **elf)
{
  ADZE_AUTO (elf_reader) reader = { .image = ADZE_ELF_IMAGE_INIT };
  ADZE_TRY (adze_elf_image_open (path, &reader.image));
  return read_image (&reader, true, elf);
}

adze_error *
adze_elf_parse (const char *path, const char *data, size_t size, adze_elf **elf)
{
  ADZE_AUTO (elf_reader) reader = { .image = ADZE_ELF_IMAGE_INIT };
  adze_elf_image_memory (path, data, size, &reader.image);
  return read_image (&reader, false, elf);
}

adze_error *
adze_elf_precheck (const char *path)
{
  ADZE_AUTO (adze_elf_image) image = ADZE_ELF_IMAGE_INIT;
  ADZE_TRY (adze_elf_image_open (path, &image));
  return adze_elf_image_check (&image, false);
}
