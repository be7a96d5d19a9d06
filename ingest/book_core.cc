/* book_core - PDF files through Poppler's core, for the sealed build.
 *
 * The only file of the project that is not C: the core has no other interface. It
 * makes the calls that the glib binding makes, with the same arguments, so the text is
 * the same to the byte; it needs neither glib nor cairo, and no file but the folders
 * of poppler-data. Nothing is decided here. Poppler is built without exceptions, and
 * so is this: who runs out of memory dies, in a process of its own.
 *
 *     struct book    a PDFDoc and the bytes it lies in
 *     struct leaf    a Page of it and, once asked for, its TextPage */
#include "ingest/book.h"

extern "C" {
#include "ingest/charmaps.h"
#include "ingest/complaint.h"
#include "ingest/margin.h"
}

#include <Annot.h>
#include <Catalog.h>
#include <DateInfo.h>
#include <ErrorCodes.h>
#include <FileSpec.h>
#include <Form.h>
#include <Gfx.h>
#include <GlobalParams.h>
#include <PDFDoc.h>
#include <PDFDocEncoding.h>
#include <Page.h>
#include <TextOutputDev.h>
#include <poppler-config.h>
#include <poppler-config.h>

#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

struct book {
    GlobalParamsIniter tables;
    std::unique_ptr<PDFDoc> document;
};

struct leaf {
    PDFDoc *document;
    Page *page;
    int number;
    bool beside; /* to be read with what is written beside it */
    mutable TextPage *text;
    mutable size_t drawn;
};

/* Takes note of the letters, and counts them. */
class Device : public TextOutputDev {
public:
    Device() : TextOutputDev(nullptr, true, 0, false, false) {}
    void drawChar(GfxState *state, double x, double y, double dx, double dy,
                  double originX, double originY, CharCode code, int bytes,
                  const Unicode *u, int count) override
    {
        drawn += margin_letters(u, count);
        TextOutputDev::drawChar(state, x, y, dx, dy, originX, originY, code, bytes, u,
                                count);
    }
    size_t drawn = 0;
};

/* ---- strings --------------------------------------------------------------------- */

static void add_utf8(std::string &to, uint32_t c)
{
    static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    int bytes = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    if (bytes == 1) {
        to.push_back(static_cast<char>(c));
        return;
    }
    to.push_back(static_cast<char>(lead[bytes] | (c >> (6 * (bytes - 1)))));
    while (--bytes > 0)
        to.push_back(static_cast<char>(0x80 | ((c >> (6 * (bytes - 1))) & 0x3F)));
}

/* False where it is not UTF-16: half a character, or half a pair. */
static bool add_utf16(std::string &to, const uint8_t *at, size_t bytes, bool little)
{
    uint32_t high = 0;

    for (size_t i = 0; i + 1 < bytes; i += 2) {
        uint32_t unit = static_cast<uint32_t>(at[i + little] << 8 | at[i + !little]);
        bool is_low = unit >= 0xDC00 && unit <= 0xDFFF;
        if (is_low != (high != 0))
            return false;
        if (unit >= 0xD800 && unit <= 0xDBFF) {
            high = unit;
            continue;
        }
        add_utf8(to,
                 is_low ? 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00) : unit);
        high = 0;
    }
    return high == 0 && bytes % 2 == 0;
}

/* A string of the file outside its pages: UTF-16 behind a mark, or PDFDocEncoding. It
 * ends at its first NUL, or at the first character that is undefined. */
static char *string_utf8(const GooString *string)
{
    std::string utf8;

    if (!string)
        return nullptr;
    const uint8_t *at = reinterpret_cast<const uint8_t *>(string->c_str());
    size_t bytes = static_cast<size_t>(string->getLength());
    bool little = string->hasUnicodeMarkerLE();
    if (little || string->hasUnicodeMarker()) {
        if (!add_utf16(utf8, at + 2, bytes - 2, little))
            return nullptr;
    } else {
        for (size_t i = 0; i < bytes && pdfDocEncoding[at[i]]; i++)
            add_utf8(utf8, pdfDocEncoding[at[i]]);
    }
    return strdup(utf8.c_str());
}

/* ---- opening --------------------------------------------------------------------- */

/* Pictures in JPEG 2000, for which this Poppler has no decoder, hold no text. */
static void hear(ErrorCategory category, Goffset, const char *message)
{
    if (category != errConfig && category != errCommandLine &&
        category != errNotAllowed && !strstr(message, "Unknown filter 'JPXDecode'"))
        complaint_hear(message);
}

/* The tables of characters live as long as somebody holds them. */
void charmaps_hold(void)
{
    static GlobalParamsIniter held(hear);
}

/* In Latin-1; nothing where it has other characters or is no UTF-8. */
static std::string password_latin1(const char *utf8)
{
    std::string latin1;

    for (const uint8_t *at = reinterpret_cast<const uint8_t *>(utf8); *at; at++) {
        uint32_t c = *at;
        if (c == 0xC2 || c == 0xC3) {
            if ((at[1] & 0xC0) != 0x80)
                return "";
            c = (c & 3) << 6 | (*++at & 0x3F);
        } else if (c >= 0x80) {
            return "";
        }
        latin1.push_back(static_cast<char>(c));
    }
    return latin1;
}

static std::unique_ptr<PDFDoc> document_open(const uint8_t *bytes, size_t count,
                                             const std::optional<GooString> &password)
{
    BaseStream *stream = new MemStream(reinterpret_cast<const char *>(bytes), 0,
                                       static_cast<Goffset>(count), Object(objNull));

    return std::make_unique<PDFDoc>(stream, password, password);
}

/* The numbers by which the glib binding calls them. */
static int damage_number(int code)
{
    static const struct {
        int code, number;
    } known[] = {{errEncrypted, 1}, {errBadCatalog, 3}, {errDamaged, 4}};

    for (const auto &one : known)
        if (one.code == code)
            return one.number;
    return 0;
}

/* Files keep passwords in Latin-1 as a rule, but some programs write UTF-8. */
enum book_opening book_open(struct book **out, const uint8_t *bytes, size_t count,
                            const char *password, int *why)
{
    auto opened = std::unique_ptr<book>(new book{GlobalParamsIniter(hear), nullptr});
    std::optional<GooString> given;

    if (password)
        given = GooString(password_latin1(password));
    opened->document = document_open(bytes, count, given);
    if (password && !opened->document->isOk() &&
        opened->document->getErrorCode() == errEncrypted)
        opened->document = document_open(bytes, count, GooString(password));
    *out = nullptr;
    *why = -1;
    if (opened->document->isOk()) {
        *out = opened.release();
        return BOOK_OPEN;
    }
    *why = damage_number(opened->document->getErrorCode());
    return opened->document->getErrorCode() == errEncrypted ? BOOK_ENCRYPTED
                                                            : BOOK_DAMAGED;
}

void book_close(struct book *book)
{
    delete book;
}

const char *book_library(void)
{
    return POPPLER_VERSION " (its core; no ink check)";
}

int book_pages(const struct book *book)
{
    return book->document->getNumPages();
}

/* ---- about the file -------------------------------------------------------------- */

struct book_rights book_read_rights(const struct book *book)
{
    PDFDoc &document = *book->document;
    struct book_rights rights = {};

    rights.extract = document.okToCopy();
    rights.all = document.okToPrint() && document.okToChange() && document.okToCopy() &&
                 document.okToAddNotes() && document.okToFillForm() &&
                 document.okToAccessibility() && document.okToAssemble() &&
                 document.okToPrintHighRes();
    return rights;
}

char *book_entry(const struct book *book, enum book_entry entry)
{
    static const char *const key[] = {"Title", "Author", "Producer"};

    return string_utf8(book->document->getDocInfoStringEntry(key[entry]).get());
}

static bool is_day(int year, int month, int day)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (leap && month == 2);
}

/* How far ahead of UTC; 0 for what is no time zone. */
static int zone_seconds(char sign, int hours, int minutes)
{
    if ((sign != '+' && sign != '-') || hours < 0 || hours > 24 || minutes < 0 ||
        minutes > 59)
        return 0;
    return (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
}

bool book_time(const struct book *book, enum book_time which, int64_t *seconds)
{
    auto date = book->document->getDocInfoStringEntry(
        which == BOOK_CREATED ? "CreationDate" : "ModDate");
    int year, month, day, hour, minute, second, zone_hours, zone_minutes;
    struct tm time = {};
    char zone;

    if (!date || !parseDateString(date.get(), &year, &month, &day, &hour, &minute,
                                  &second, &zone, &zone_hours, &zone_minutes))
        return false;
    if (!is_day(year, month, day) || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 59)
        return false;
    time.tm_year = year - 1900;
    time.tm_mon = month - 1;
    time.tm_mday = day;
    time.tm_hour = hour;
    time.tm_min = minute;
    time.tm_sec = second;
    *seconds = timegm(&time) - zone_seconds(zone, zone_hours, zone_minutes);
    return true;
}

void book_attachments(const struct book *book,
                      bool (*name)(void *arg, const char *utf8), void *arg)
{
    Catalog *catalog = book->document->getCatalog();
    int files = catalog && catalog->isOk() ? catalog->numEmbeddedFiles() : 0;
    bool more = true;

    for (int i = 0; more && i < files; i++) {
        std::unique_ptr<FileSpec> file = catalog->embeddedFile(i);
        EmbFile *embedded = file->isOk() ? file->getEmbeddedFile() : nullptr;
        if (!embedded || !embedded->isOk() || !embedded->streamObject()->isStream())
            continue;
        char *utf8 = string_utf8(file->getFileName());
        more = name(arg, utf8);
        free(utf8);
    }
}

/* ---- pages ----------------------------------------------------------------------- */

struct leaf *leaf_open(const struct book *book, int number)
{
    Page *page = book->document->getPage(number);

    return page ? new leaf{book->document.get(), page, number, false, nullptr, 0}
                : nullptr;
}

struct leaf *leaf_open_beside(const struct book *book, int number)
{
    struct leaf *leaf = leaf_open(book, number);

    if (leaf)
        leaf->beside = true;
    return leaf;
}

void leaf_close(struct leaf *leaf)
{
    if (leaf && leaf->text)
        leaf->text->decRefCnt();
    delete leaf;
}

char *leaf_label(const struct leaf *leaf)
{
    GooString label;

    leaf->document->getCatalog()->indexToLabel(leaf->number - 1, &label);
    return string_utf8(&label);
}

void leaf_size(const struct leaf *leaf, double *width, double *height)
{
    bool turned = leaf->page->getRotate() == 90 || leaf->page->getRotate() == 270;
    double across = leaf->page->getCropWidth(), up = leaf->page->getCropHeight();

    *width = turned ? up : across;
    *height = turned ? across : up;
}

/* Drawn at 72 dots an inch; margin.c says why a slice may be larger than the page. */
static TextPage *leaf_text(const struct leaf *leaf)
{
    if (!leaf->text) {
        Device device;
        double width, height;
        leaf_size(leaf, &width, &height);
        int start = leaf->beside ? -MARGIN_POINTS : -1;
        std::unique_ptr<Gfx> drawing(leaf->page->createGfx(
            &device, 72, 72, 0, false, true, start, start,
            leaf->beside ? margin_side(width) : -1,
            leaf->beside ? margin_side(height) : -1, false, nullptr, nullptr));
        leaf->page->display(drawing.get());
        device.endPage();
        leaf->text = device.takeText();
        leaf->drawn = device.drawn;
    }
    return leaf->text;
}

static PDFRectangle everything(enum leaf_start start)
{
    double left = start == LEAF_FROM_LEFT ? -BOOK_FAR : BOOK_FAR;

    return PDFRectangle(left, -BOOK_FAR, -left, BOOK_FAR);
}

char *leaf_select(const struct leaf *leaf, enum leaf_start start)
{
    PDFRectangle area = everything(start);
    std::unique_ptr<GooString> text(
        leaf_text(leaf)->getSelectionText(&area, selectionStyleGlyph));

    return strdup(text->c_str());
}

size_t leaf_drawn(const struct leaf *leaf)
{
    return leaf->drawn;
}

/* ---- characters one by one ------------------------------------------------------- */

struct letter { /* where a run began: what the next one is compared with */
    const TextWord *word;
    int index;
};

struct layout {
    std::vector<leaf_box> box;
    std::vector<leaf_run> run;
    letter before;
};

static bool is_alike(const letter &a, const letter &b)
{
    double ar, ag, ab, br, bg, bb;

    if (!a.word->getFontInfo(a.index)->matches(b.word->getFontInfo(b.index)) ||
        a.word->getFontSize() != b.word->getFontSize() ||
        a.word->isUnderlined() != b.word->isUnderlined())
        return false;
    a.word->getColor(&ar, &ag, &ab);
    b.word->getColor(&br, &bg, &bb);
    return ar == br && ag == bg && ab == bb;
}

static uint16_t shade(double share)
{
    return static_cast<uint16_t>(static_cast<int>(share * 65535. + 0.5));
}

static void add_letter(layout &to, const letter &now)
{
    leaf_box box;

    if (!to.before.word || !is_alike(now, to.before)) {
        double red, green, blue;
        now.word->getColor(&red, &green, &blue);
        to.run.push_back({to.box.size(), to.box.size(), now.word->getFontSize(),
                          shade(red), shade(green), shade(blue)});
    }
    to.before = now;
    now.word->getCharBBox(now.index, &box.x1, &box.y1, &box.x2, &box.y2);
    to.run.back().last = to.box.size();
    to.box.push_back(box);
}

/* A space or a line feed goes with the letters before it. */
static void add_white(layout &to, const leaf_box &box)
{
    if (!to.run.empty())
        to.run.back().last = to.box.size();
    to.box.push_back(box);
}

static leaf_box word_box(const TextWord *word)
{
    leaf_box box;

    word->getBBox(&box.x1, &box.y1, &box.x2, &box.y2);
    return box;
}

/* One line of words; each is deleted on the way. A space reaches from its word to the
 * next one, as high as its word; the line feed is the corner where the line ends. */
static void add_line(layout &to, std::vector<TextWordSelection *> &line, bool is_last)
{
    leaf_box box = {};

    for (size_t i = 0; i < line.size(); i++) {
        const TextWord *word = line[i]->getWord();
        for (int k = line[i]->getBegin(); k < line[i]->getEnd(); k++)
            add_letter(to, {word, k});
        box = word_box(word);
        if (word->hasSpaceAfter() && i + 1 < line.size())
            add_white(to,
                      {box.x2, box.y1, word_box(line[i + 1]->getWord()).x1, box.y2});
        delete line[i];
    }
    if (!is_last && !to.box.empty())
        add_white(to, {box.x2, box.y2, box.x2, box.y2});
}

template <typename T> static size_t give(const std::vector<T> &from, T **out)
{
    *out = from.empty() ? nullptr : static_cast<T *>(calloc(from.size(), sizeof(T)));
    if (!*out)
        return 0;
    memcpy(*out, from.data(), from.size() * sizeof(T));
    return from.size();
}

static void move_back(leaf_box &box, double by)
{
    box.x1 -= by;
    box.y1 -= by;
    box.x2 -= by;
    box.y2 -= by;
}

void leaf_read_layout(const struct leaf *leaf, enum leaf_start start,
                      struct leaf_layout *out)
{
    PDFRectangle area = everything(start);
    layout found = {};
    int lines = 0;
    std::vector<TextWordSelection *> **line =
        leaf_text(leaf)->getSelectionWords(&area, selectionStyleGlyph, &lines);

    for (int i = 0; line && i < lines; i++) {
        add_line(found, *line[i], i == lines - 1);
        delete line[i];
    }
    gfree(line);
    for (leaf_box &box : found.box)
        move_back(box, leaf->beside ? MARGIN_POINTS : 0);
    out->boxes = give(found.box, &out->box);
    out->runs = give(found.run, &out->run);
}

/* ---- what is filled in ----------------------------------------------------------- */

struct see { /* whom to show it */
    void (*filled)(void *arg, const struct leaf_filled *filled);
    void *arg;
};

static void see_value(const see &whom, enum leaf_filling kind, const GooString *string,
                      bool hidden)
{
    char *value = string_utf8(string);
    leaf_filled filled = {kind, hidden, value, nullptr, 0};

    whom.filled(whom.arg, &filled);
    free(value);
}

static void see_choice(const see &whom, const FormWidgetChoice *choice)
{
    char *own = choice->hasEdit() ? string_utf8(choice->getEditChoice()) : nullptr;
    std::vector<char *> chosen;

    for (int i = 0; i < choice->getNumChoices(); i++)
        if (choice->isSelected(i))
            chosen.push_back(string_utf8(choice->getChoice(i)));
    leaf_filled filled = {LEAF_CHOICE, false, own, chosen.data(), chosen.size()};
    whom.filled(whom.arg, &filled);
    for (char *one : chosen)
        free(one);
    free(own);
}

static void see_field(const see &whom, FormWidget *field)
{
    if (field->getType() == formText)
        see_value(whom, LEAF_TEXT_FIELD,
                  static_cast<FormWidgetText *>(field)->getContent(), false);
    else if (field->getType() == formChoice)
        see_choice(whom, static_cast<FormWidgetChoice *>(field));
}

static void see_annotation(const see &whom, const Annot *annotation)
{
    const GooString *contents = annotation->getContents();

    if (annotation->getType() == Annot::typeFreeText)
        see_value(whom, LEAF_FREE_TEXT,
                  contents && contents->getLength() > 0 ? contents : nullptr,
                  (annotation->getFlags() & Annot::flagHidden) != 0);
}

/* The binding hands out fields last one first, and so does this. */
void leaf_each_filled(const struct leaf *leaf,
                      void (*filled)(void *arg, const struct leaf_filled *filled),
                      void *arg)
{
    const see whom = {filled, arg};
    std::unique_ptr<FormPageWidgets> fields = leaf->page->getFormWidgets();
    Annots *annotations = leaf->page->getAnnots();

    for (int i = fields ? fields->getNumWidgets() : 0; i-- > 0;)
        see_field(whom, fields->getWidget(i));
    if (annotations)
        for (const Annot *annotation : annotations->getAnnots())
            see_annotation(whom, annotation);
}
