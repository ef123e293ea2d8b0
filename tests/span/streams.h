// Random token streams as strings (symbols.h): well formed, damaged, noise.
#pragma once

#include <random>
#include <string>

namespace spanscope::test {

class Streams {
  public:
    explicit Streams(unsigned seed) : m_random(seed) {}
    unsigned below(unsigned n) { return static_cast<unsigned>(m_random() % n); }
    std::string label() { return std::to_string(1 + below(4)); }
    std::string prompt() {
        std::string s = "^h\n";
        for (unsigned k = below(4); k > 0; --k) s += "I" + label() + ":ab\n";
        if (below(3) == 0) s += "q\n";
        return damage(s, 8);
    }
    std::string response() {
        if (below(5) == 0) return noise(2 + below(30));
        std::string s;
        for (unsigned k = 1 + below(4); k > 0; --k) {
            s += "O" + label() + ":";
            if (below(4) == 0) s += "Gz";
            s += "A";
            for (unsigned r = below(3); r > 0; --r) s += (below(2) ? "I" : "O") + label() + ":";
            s += "Ex";
            if (below(2)) s += "Ly";
            s += "\n";
        }
        return damage(s, 2);
    }
    std::string noise(unsigned n) {
        static const std::string alphabet = "IO:AELG\n0123x";
        std::string s;
        while (n--) s += alphabet[below(static_cast<unsigned>(alphabet.size()))];
        return s;
    }

  private:
    std::string damage(std::string s, unsigned oneIn) {
        while (below(oneIn) == 0 && !s.empty()) {
            const size_t at = 1 + below(static_cast<unsigned>(s.size()));
            const unsigned how = below(3);
            if (how == 0) s.insert(std::min(at, s.size()), noise(1));
            else if (how == 1 && at < s.size()) s.erase(at, 1);
            else if (at < s.size()) s[at] = noise(1)[0];
        }
        return s;
    }
    std::mt19937 m_random;
};

}  // namespace spanscope::test
