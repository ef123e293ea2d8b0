// What the linker left in a program: read from the file, as checksec does.
#pragma once

#include <elf.h>

#include <QByteArray>
#include <QFile>
#include <QStringList>
#include <cstring>

namespace spanscope::test {

struct ElfFile {
    bool valid = false, pie = false, relro = false, bindNow = false, stackIsData = false, textRelocations = false,
         writableCode = false;
    bool indirectBranchTracking = false, shadowStack = false;
    QStringList needed, runPath, fortified;  ///< run path: entries of RPATH and RUNPATH, empty ones too
    bool stackProtector = false;
    int landingPads = 0;  ///< endbr64: where an indirect branch may arrive, with -fcf-protection

    static ElfFile read(const QString& path) {
        ElfFile elf;
        QFile file(path);
        if (!file.open(QIODevice::ReadOnly)) return elf;
        const QByteArray all = file.readAll();
        const auto at = [&](quint64 offset, auto& into) {
            return file.seek(qint64(offset)) && file.read(reinterpret_cast<char*>(&into), sizeof into) == sizeof into;
        };
        Elf64_Ehdr head{};
        if (!at(0, head) || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64)
            return elf;
        elf.valid = true;
        bool interpreter = false;
        Elf64_Phdr dynamic{};
        QList<Elf64_Phdr> loads;
        for (int i = 0; i < head.e_phnum; ++i) {
            Elf64_Phdr p{};
            if (!at(head.e_phoff + quint64(i) * head.e_phentsize, p)) return {};
            if (p.p_type == PT_INTERP) interpreter = true;
            if (p.p_type == PT_GNU_RELRO) elf.relro = true;
            if (p.p_type == PT_GNU_STACK) elf.stackIsData = !(p.p_flags & PF_X);
            if (p.p_type == PT_DYNAMIC) dynamic = p;
            if (p.p_type == PT_LOAD) loads << p;
            if (p.p_type == PT_LOAD && (p.p_flags & PF_X))
                elf.landingPads += int(all.mid(qsizetype(p.p_offset), qsizetype(p.p_filesz)).count("\xf3\x0f\x1e\xfa"));
            if (p.p_type == PT_LOAD && (p.p_flags & PF_W) && (p.p_flags & PF_X)) elf.writableCode = true;
            if (p.p_type == PT_GNU_PROPERTY) elf.readProperties(all.mid(qsizetype(p.p_offset), qsizetype(p.p_filesz)));
        }
        elf.pie = head.e_type == ET_DYN && interpreter;
        const auto offsetOf = [&](quint64 address) -> quint64 {
            for (const Elf64_Phdr& p : loads)
                if (address >= p.p_vaddr && address < p.p_vaddr + p.p_filesz) return address - p.p_vaddr + p.p_offset;
            return quint64(all.size());
        };
        quint64 strings = 0;
        QList<std::pair<qint64, quint64>> entries;
        for (quint64 o = dynamic.p_offset; o < dynamic.p_offset + dynamic.p_filesz; o += sizeof(Elf64_Dyn)) {
            Elf64_Dyn d{};
            if (!at(o, d) || d.d_tag == DT_NULL) break;
            if (d.d_tag == DT_STRTAB) strings = offsetOf(d.d_un.d_ptr);
            if (d.d_tag == DT_FLAGS && (d.d_un.d_val & DF_BIND_NOW)) elf.bindNow = true;
            if (d.d_tag == DT_FLAGS_1 && (d.d_un.d_val & DF_1_NOW)) elf.bindNow = true;
            if (d.d_tag == DT_TEXTREL || (d.d_tag == DT_FLAGS && (d.d_un.d_val & DF_TEXTREL)))
                elf.textRelocations = true;
            entries << std::pair{qint64(d.d_tag), quint64(d.d_un.d_val)};
        }
        const auto text = [&](quint64 offset) {
            return QString::fromUtf8(all.constData() + std::min(strings + offset, quint64(all.size())));
        };
        for (const auto& [tag, value] : entries) {
            if (tag == DT_NEEDED) elf.needed << text(value);
            if (tag == DT_RPATH || tag == DT_RUNPATH) elf.runPath << text(value).split(':');
        }
        for (int i = 0; i < head.e_shnum; ++i) {
            Elf64_Shdr section{};
            if (!at(head.e_shoff + quint64(i) * head.e_shentsize, section) || section.sh_type != SHT_DYNSYM) continue;
            for (quint64 o = section.sh_offset; o < section.sh_offset + section.sh_size; o += sizeof(Elf64_Sym)) {
                Elf64_Sym symbol{};
                if (!at(o, symbol)) break;
                const QString name = text(symbol.st_name);
                if (name == "__stack_chk_fail") elf.stackProtector = true;
                else if (name.startsWith("__") && name.endsWith("_chk")) elf.fortified << name;
            }
        }
        return elf;
    }

  private:
    void readProperties(const QByteArray& notes) {
        Elf64_Nhdr note{};
        if (notes.size() < qsizetype(sizeof note)) return;
        std::memcpy(&note, notes.constData(), sizeof note);
        const QByteArray body =
            notes.mid(qsizetype(sizeof note + (note.n_namesz + 3) / 4 * 4), qsizetype(note.n_descsz));
        for (qsizetype o = 0; o + 12 <= body.size();) {
            uint32_t type = 0, size = 0, bits = 0;
            std::memcpy(&type, body.constData() + o, 4);
            std::memcpy(&size, body.constData() + o + 4, 4);
            std::memcpy(&bits, body.constData() + o + 8, 4);
            if (type == GNU_PROPERTY_X86_FEATURE_1_AND) {
                indirectBranchTracking = bits & GNU_PROPERTY_X86_FEATURE_1_IBT;
                shadowStack = bits & GNU_PROPERTY_X86_FEATURE_1_SHSTK;
            }
            o += 8 + (size + 7) / 8 * 8;
        }
    }
};

}  // namespace spanscope::test
