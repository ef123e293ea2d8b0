#include "engine/tasks/news/samples.h"

namespace spanscope::news {

std::vector<std::string> sampleArticles() {
    return {
        "Harlow Steel Corp said it agreed to buy Denby Foundries Ltd for 48.5 mln dlrs, its largest purchase so far.\n"
        "The company said the price will be paid in cash, and that banks led by Corvane Trust Co will lend 30 mln dlrs "
        "over "
        "seven years.\n"
        "Denby employs 640 people in Ashwick and had sales of 71 mln dlrs last year, down from 76 mln.\n"
        "\"We have known each other for a long time,\" said Paula Merrin, chairman of Harlow Steel.\n"
        "The Ashwick works, which were built in 1911, will stay open, a spokesman said.\n"
        "Shares of Harlow Steel fell 14 to 212 on the Portmore exchange.\n"
        "Analysts had expected an offer since March. Some of them called the price high.\n"
        "The sale needs the approval of shareholders, who meet on June 9.",

        "A ferry with 126 people aboard ran aground off Marstead early on Tuesday, the coast guard said.\n"
        "Nobody was killed, but 11 passengers were taken to hospital in Port Ellery, two of them with broken bones.\n"
        "The Sandra Vane had left Marstead at 5.40 in the morning in thick fog. Passengers said they felt a long "
        "shudder and then "
        "heard the alarm.\n"
        "Fishing boats from three villages took everyone ashore within two hours.\n"
        "\"People were calm and very cold,\" said Tomas Ridley, who brought in 19 of them.\n"
        "A fault in the radar caused the accident, according to a first report by the ministry of transport.\n"
        "Inspectors had found six faults on the ship in January, said Greta Holm of the seamen's union.\n"
        "The owner, Ellery Lines Ltd, withdrew a second ferry of the same type for checks.\n"
        "An inquiry led by Judge Ian Caldecott will begin on Monday.",

        "The Westbrook council voted 21-8 on Thursday to build a tram line to Oakhaven at a cost of 94 mln pounds.\n"
        "Work will begin in September and will take four years, the mayor, Judith Arkwell, said.\n"
        "The line will have 14 stops and carry 18,000 passengers a day, according to a study by the engineers Pell and "
        "Morrow.\n"
        "About 2,300 people had signed a petition against it. They fear noise and the loss of 160 parking places in "
        "Mill Road.\n"
        "\"Nobody asked the shops,\" said Victor Lunn, who sells shoes there.\n"
        "The debate lasted until eleven at night, and the microphones failed twice.\n"
        "The town will borrow 60 mln pounds, and the rest comes from the government.\n"
        "Bus fares will rise by 5.5 percent in January to help pay the interest, the finance committee said.\n"
        "Oakhaven, which has no railway station, agreed to the plan in May.\n"
        "Opponents said they would go to court.",

        "Stocks in Lindmark rose 1.8 pct to 2,416.3 points in heavy trading, led by shipping shares, dealers said.\n"
        "Turnover was 148 mln shares, the most since February.\n"
        "Norvane Shipping AG gained 37 to 655 after news of a contract worth 210 mln crowns.\n"
        "The central bank said it bought 500 mln crowns to support the currency, which closed at 6.42 to the dollar.\n"
        "\"It was a day for the brave,\" said Karin Ostlund, a broker.\n"
        "Government bonds fell, and the 10-year yield was 8.7 pct against 8.5 pct on Monday.\n"
        "Exports reached 84,000 tonnes of paper in April, the statistics office said.\n"
        "Economists at Corvane Trust Co expect growth of 2.1 pct this year. They had forecast 2.6 pct in autumn.\n"
        "Trading hours will be longer from July.",

        "Storm brings down power lines in Tarn valley\n\n"
        "Winds of up to 140 kph brought down power lines in the Tarn valley during the night, leaving 31,000 homes "
        "without "
        "electricity, officials said.\n"
        "Two people were injured in Brackenfield when a roof fell on their car.\n"
        "The railway between Brackenfield and Sollen was closed by fallen trees and will not open before Friday, a "
        "spokeswoman "
        "said.\n"
        "\"I have never heard such a noise,\" said Hilda Renner, a baker in Sollen.\n"
        "Northern Cable Co sent 220 workers to repair the lines. It said power would return to most homes by Wednesday "
        "evening.\n"
        "The river Issel stood at 4.9 metres, its highest level since 1987, but the dykes held.\n"
        "Forecasters expect another 40 millimetres of rain by Thursday.\n"
        "Damage in the valley is put at 12 mln marks, of which insurance will pay about half.",

        "Kestrel Rovers beat Dunmouth Athletic 3-1 on Saturday to win their second title in four years.\n"
        "Rosa Valdine scored twice within five minutes before the interval.\n"
        "A crowd of 41,200 watched the match at Fenwick Park, the largest this season.\n"
        "Dunmouth had taken the lead through Alan Birch after nine minutes.\n"
        "The captain of the Rovers, Mei Tanaka, broke a wrist and will miss the summer tour, the team doctor said.\n"
        "\"We never gave up, and that is the whole story,\" coach Omar Siddal told reporters.\n"
        "The winners receive 1.6 mln dlrs, twice last year's amount.\n"
        "Dunmouth, who finished third, were fined 20,000 dlrs for the conduct of their supporters.\n"
        "Supporters sang long after the end. The town has planned a parade for Monday.",

        "The Marland central bank cut its discount rate to 6.5 pct from 7.0 pct on Wednesday, the first change since "
        "October.\n"
        "The bank said inflation fell to 3.1 pct in March and left room for the step.\n"
        "Governor Felix Brandt told reporters the decision was unanimous.\n"
        "Bankers said the commercial banks would follow within days. Corvane Trust Co lowered its prime rate to 8.75 "
        "pct in the "
        "afternoon.\n"
        "The currency was little changed at 2.07 to the dollar.\n"
        "Exporters, who had complained about dear credit since last summer, welcomed the cut.\n"
        "Unemployment was 9.4 pct in February, or 412,000 people.\n"
        "The government will sell 900 mln francs of 12-year bonds on April 22.\n"
        "Some economists warned that wages had risen by 5 pct in a year. The trade unions, however, said most of that "
        "only made "
        "good what had been lost before.\n"
        "The bank's council meets again in June.",

        "The Rivermark Transit Authority opened its first battery-electric tram line on Thursday, 9 April 2026, eleven "
        "months behind schedule but 4% under its revised budget of €312 million.\n"
        "The 14.6-kilometre route links the old harbour with the university hospital and is expected to carry 38,000 "
        "passengers on a working day.\n"
        "“We said it would run without overhead wires through the historic centre, and it does,” said Ingrid Solheim, "
        "the authority’s director.\n"
        "Trams draw power from the wires for two thirds of the route and from batteries for the rest.\n"
        "The city council approved the project in 2021 by a single vote, 26 to 25, after two years of protests over 61 "
        "felled lime trees.\n"
        "Opponents had argued that buses would cost a third as much.\n"
        "Tickets will be free until the end of May.\n"
        "Shares of Volta Rail, which built the 22 vehicles, rose 7.3% to £11.40 in London.\n"
        "A second line to the airport is planned for 2029, though its financing is not yet settled."};
}

}  // namespace spanscope::news
