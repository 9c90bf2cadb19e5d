"""Words that are names, words that may be, and words that aren't though they stand where names do.

Written down by hand, in small letters; nothing here is read from a file or a network. A list of given names is never
whole: `names` finds others by how they are introduced. Names that are also the names of products (Alexa, Claude, Siri)
are left out, since a redacted product changes what an answer says.
"""

from __future__ import annotations

from typing import Final

__all__ = ["BRANDS", "DOUBTFUL", "ELSEWHERE", "GIVEN", "NO_NAMES", "SURNAMES", "TITLES_OF_WORKS", "words"]


def words(text: str) -> frozenset[str]:
    """Return the words of a text, for lists that are long and hold nothing but words."""
    return frozenset(text.split())


_GIVEN: Final = words(
    "aaron abby abdul abdullah abel abhishek abigail abraham adam adaeze adele adina aditi aditya adrian adriana "
    "adrien agnes agnieszka ahmad ahmed aidan aiden aileen aimee aisha aiyana ajay akash akemi akiko akira alain "
    "alan alana albert alberto alejandra alejandro aleksander aleksandra alena alessandra alessandro alex "
    "alexander alexandra alexandre alexei alexis alfred alfredo alice alicia alina alisha alison alistair allan "
    "allen allison alma alvaro alyssa amadou amal amanda amara amelia amelie amina amir amit amrita amy ana anais "
    "anand anastasia andre andrea andreas andrei andres andrew andrzej andy anette angela angelica angelina "
    "angelo angus anika anil anita anjali ankit ann anna annabelle anne annette annie annika anthony antoine "
    "anton antonia antonio anya aoife april archana ari ariana arianna ariel arjun armando arnaud arthur arturo "
    "arun aryan asha ashish ashley ashok astrid athena aubrey audrey august aurelie aurora ava avery axel ayaan "
    "ayesha ayumi ayse barbara barry bartosz beatrice beatriz becca becky belinda ben benedict benjamin "
    "bernadette bernard bernardo bernice bertha bertrand beth bethany betty beverly bianca bilal billy birgit "
    "bjorn blanca bob bobby bogdan boris brad bradley brandon brenda brendan brent brett brian brianna bridget "
    "brigitte brittany bruce bruno bryan bryce byron caitlin caleb callum calvin cameron camila camille candice "
    "carina carla carlos carlotta carmen carolina caroline carolyn carrie carsten casey cassandra catalina "
    "catarina catherine cathy cecilia cedric celeste celia celine cesar chad chandra chantal charlene charles "
    "charlie charlotte chen chiara chidi chinedu chioma chloe chris christa christina christine christoph "
    "christopher christos chuck chukwuemeka ciara cindy claire clara clarence clarissa claudia claudio clement "
    "clifford clint clive clyde cody colette colin colleen connor conor constance constantin corey corinne "
    "cornelia courtney craig cristian cristina cristobal curtis cynthia daan dagmar daisuke damian damien daniel "
    "daniela daniele danielle danny daphne daria darius darlene darren darryl dave david davide deb debbie "
    "deborah debra declan deepa deepak deepika denis denise dennis derek desmond devon dexter dhruv diana diane "
    "diego dieter dilip dima dimitri dina dinesh dmitri dmitry dolores dominic dominik dominique donald donna "
    "dora doreen doris dorothea dorothy doug douglas duncan dustin dwayne dylan eddie edgar edith edmund eduardo "
    "edward edwin eileen ekaterina elaine eleanor elena eleni eli elias elif elijah elina elisa elisabeth elise "
    "elizabeth ella ellen ellie elliot elliott elsa elvira emeka emil emilia emilie emilio emily emma emmanuel "
    "enrico enrique eric erica erik erika erin ernest ernesto ernst esteban estelle esther ethan eugene eugenia "
    "eva evan evelyn ewa fabian fabio fabrice farah farhan fatima fatou federica federico felicia felicity felipe "
    "felix ferdinand fernanda fernando filip filippo fiona florian francesca francesco francine francis francisca "
    "francisco francois frans franz fred freddie frederic frederick frederik frida friedrich gabriel gabriela "
    "gabriele gabriella gail gareth gary gaurav gavin geoff geoffrey george georgina gerald geraldine gerard "
    "gerhard gerry giacomo gianluca gilbert gillian gina giorgio giovanni giulia giuseppe gladys glen glenda "
    "glenn gloria gonzalo gordon grzegorz graham greg gregory greta gretchen guadalupe guillaume guillermo gustav "
    "gustavo gwen haley hamza hana hannah hans harald haresh haris harold harriet harrison harry haruka haruki "
    "harvey hassan hazem heather hector heidi heike heinrich helen helena helene helga helmut hendrik henri "
    "henrietta henrik henry herbert herman hiroshi hiroko holger hugo humberto hussein iain ian ibrahim ida "
    "ignacio igor ikechukwu ilaria ilse imani imran ines inga ingrid ioana irene irina irma isaac isabel isabella "
    "isabelle isaiah ishaan ismail ivan ivana jacek jackie jacob jacqueline jacques jaime jakob jakub jamal james "
    "jamie janelle janet janice janine jared jasmin jason javier jayden jayne jeanette jeanne jeff jeffrey jenna "
    "jennifer jenny jeremiah jeremy jerome jessica jesus jiho jill jillian jim jimmy jing joachim joan joana "
    "joanna joanne joao joaquin jocelyn jodie joe joel johan johanna johannes john johnny jon jonas jonathan "
    "jorge jose josef joseph josephine josh joshua juan juanita judith julian juliana julie julien juliet julio "
    "jun jung justin justyna kai kamal kamil karan karen karim karin karina karl karthik kasia kate katarina "
    "katarzyna katherine kathleen kathryn kathy katie katja katrina kavita kayla keiko keisha keith kelly kelsey "
    "kendall kendra kenji kenneth kenny kerry kevin khadija khalid kieran kim kimberly kiran kirsten klara klaus "
    "konrad konstantin krishna kristen kristin kristina krzysztof kumiko kurt kwame kyle laila lakshmi lamar lara "
    "larissa larry lars lata latoya laura lauren laurence laurent laurie lea leah leandro leila lena lenka leo "
    "leon leona leonard leonardo leonie leopold leroy leslie leticia lewis li liam lidia liesel lila lillian lina "
    "linda lindsay lindsey lionel lisa liz liza logan lois lola lorenzo lori lorraine lou louis louisa louise luc "
    "lucas lucia luciana lucie lucinda lucy ludmila ludwig luigi luis luisa lukas lukasz luke luna lydia lynn "
    "mabel madeleine madeline madison magda magdalena magnus mahmoud maja malcolm malik malika mandy manfred "
    "manoj manuel manuela marc marcel marcella marcelo marcia marcin marco marcos marcus margaret margarita "
    "margot maria mariam mariana marianne marie marina mario marion marisa marissa marjorie marko marlene marta "
    "martha martin martina marvin mary maryam masha massimo mateo mateusz mathias mathieu mathilde matilda matt "
    "matteo matthew matthias maureen maurice mauricio mauro maxim maxime maximilian maya meera megan mei mehmet "
    "melanie melinda melissa mercy meredith mia michael michaela michal michel michele michelle mick miguel mihai "
    "mika mike mikhail mila milan milena milos mina ming minh miranda miriam mitchell mohamed mohammad mohammed "
    "mohan moira molly monica monika monique morgan moritz muhammad mukesh murray mustafa nadia nadine nahla "
    "nancy naomi narendra nasser natalia natalie natasha nate nathalie nathan nathaniel neha neil nelson nia "
    "niamh nicholas nicola nicolas nicole nicolette nigel nikhil nikita nikola nikolai nikolas nils nina ning "
    "nisha nitin noah noel noemi nora norman nuno obinna octavia odette olaf oleg olena olga oliver olivia "
    "olivier olumide omar oprah orlando osama oscar oskar oumar owen pablo padma pamela paola paolo parisa pascal "
    "patrice patricia patrick patrik paul paula paulina pauline paulo pavel pawel pedro peggy perry pete peter "
    "petra phil philip philipp philippa philippe phillip phoebe pierre pilar piotr polly pooja prakash pranav "
    "prasad preeti priscilla priya priyanka quentin quincy rachel radhika rafael raghav rahul raj rajesh rajiv "
    "rakesh ralph ram ramesh ramon ramona randall randy raphael raquel rashid ravi raymond rebecca regina "
    "reinhard rekha renata renate rene renee reza rhonda ricardo riccardo richard ricky riley rita ritu robert "
    "roberta roberto robin rochelle rocio rodney rodrigo roger rohan rohit roland rolf roman ron ronald ronnie "
    "rosa rosalie rosemary rosie ross roxanne roy rudolf rui rukmini rupert russell ruth ryan sabine sabrina "
    "sachin sadie said saif sakura salman salvador sally sam samantha samir samira samuel sandeep sandra sanjay "
    "santiago sara sarah saskia satoshi saul scott sean sebastian selena selma serena sergei sergey sergio seth "
    "shane shannon sharon shaun shauna shawn sheila shelley shinji shirley shivani shreya shruti sienna sigrid "
    "silke silvia simon simona simone sina siobhan slava sofia sofie sonia sonja sophia sophie soraya stacey "
    "stacy stan stanislav stanley stefan stefania stefano steffen stella stephan stephanie stephen steve steven "
    "stuart sunil sunita suresh susan susana susanna susanne suzanne svetlana sven sylvia sylvie tabitha tadeusz "
    "takashi takeshi tamara tamika tania tanja tanya tara tariq tatiana tatsuya ted teresa terrence terry thea "
    "theo theodore theresa thiago thierry thomas tiago tiffany tim timothy tina tobias toby todd tom tomas tomasz "
    "tommy tony tomoko tracey tracy travis trevor tricia tristan tunde tyler tyrone uche ulrich ulrike umar uma "
    "ursula uwe valentina valeria valerie vanessa vasily vera verena vernon veronica veronika vicki vicky "
    "victoria vijay vikas vikram vikki vincent vincenzo vinod viola violetta viktor viktoria vishal vivek vivian "
    "vivienne vladimir walter wanda warren wayne wei wendy werner wesley wilfred wilhelm william willem winston "
    "wojciech wolfgang xavier ximena xin yan yael yasmin yasmine yosef youssef yuki yuko yulia yuri yusuf yves "
    "yvette yvonne zachary zara zainab zeynep zhang zhen zoe zofia zoltan zoya zuzana"
)

DOUBTFUL: Final = words(
    "adele amber angel april art august aurora austin basil berry bill brook brooke carol chance charity chase "
    "chelsea cherry chip christian crystal dale dallas dawn dean destiny dolly don drew earl eden eve faith fay "
    "florence frank gene georgia ginger grace grant guy harmony hazel heath holly hope hunter iris ivy jack jade "
    "jay jean jewel jo jordan joy june jun kim kit lance lane lee lily lou mac mae mark mason matt max may melody "
    "mercedes mercy miles mina misty norm olive paige paris pat patience pearl penny pierce poppy rain ram ray "
    "reed regina rich river rob roman rose ross ruby rusty sage sandy savannah scarlett sierra skip skye sky sol "
    "stone sue summer sydney taylor tucker trinity van victor viola violet virginia wade ward will willow wren "
    "zion ada marina luna robin stan chad orlando santiago august"
)
"""Given names that are also words, places or months: names only where something says so."""

GIVEN: Final = (
    (_GIVEN | words("dan finn hank jane jasmine jerry judy julia ken nick vera")) - DOUBTFUL - words("said sina")
)

ELSEWHERE: Final = words(
    "ada amber angel april august aurora austin brooklyn chance charity charlotte chase chelsea chip christian "
    "crystal dallas destiny eden florence georgia hunter ginger jade jordan june luna marina max may mercedes "
    "miles orlando paris pierce rain ram regina river ruby sage santiago savannah sierra sky sol summer sydney "
    "taylor trinity van victor virginia viola"
)
"""Those of `DOUBTFUL` that have a capital for other reasons too: places, months, products, programs."""

SURNAMES: Final = words(
    "adams ahmed alexander ali allen anderson andersson bailey baker barnes bauer becker bell bennett bernard "
    "brooks brown bryant butler campbell carter castillo castro chan chavez chen cheng cho choi chopra clark "
    "cohen coleman collins cook cooper costa cox cruz das davies davis diaz dubois dupont edwards evans fernandez "
    "ferrari fischer fisher flores foster fox garcia george gomez gonzalez gray green griffin gupta gutierrez "
    "hall hansen harris harrison hayes henderson hernandez hill hoffmann howard huang hughes hussain ibrahim ito "
    "ivanov jackson jain james jansen jenkins jensen jimenez johansson johnson jones joshi kaplan kaur kelly "
    "kennedy khan kim king klein kobayashi koch kowalski kumar lang larsen laurent lee lewis li lin liu long "
    "lopez martin martinez mehta mendoza meyer miller mitchell mohamed moore morales moreau moreno morgan morris "
    "mueller murphy myers nakamura nelson nguyen nielsen novak nowak okafor olsen ortiz park parker patel "
    "patterson perez perry petersen peterson petrov phillips popov powell price ramirez ramos rao reddy reed "
    "reyes reynolds richardson richter rivera roberts robinson rodriguez rogers rojas romano ross rossi russell "
    "russo ruiz sanchez sanders santos sato schmidt schneider schulz schwarz scott shah sharma silva simmons "
    "singh smith stewart sullivan suzuki takahashi tanaka taylor thomas thompson torres tran turner vargas varga "
    "wagner walker wang ward watson weber white williams wilson wolf wong wood wright wu xu yamamoto yang yilmaz "
    "young zhang zhao zhou zimmermann"
)

BRANDS: Final = words(
    "adobe airbnb airtable alexa alibaba amazon amplitude android apple asana atlassian bing bloomberg booking "
    "bumble canva chatgpt chrome claude copilot cortana costco coursera databricks datadog dell discord disney "
    "doordash dropbox duolingo ebay etsy excel expedia facebook figma firefox fitbit ford gemini github gmail "
    "google grab hbo hinge hubspot hulu ikea instacart instagram intercom intuit iphone jira kaggle kindle klarna "
    "linkedin looker lyft mastercard meta microsoft miro mixpanel monzo nest netflix nike nintendo notion nvidia "
    "office openai optimizely oracle outlook palantir pandora paramount paypal peacock peloton pinterest "
    "playstation postgres power prime quora reddit revolut robinhood roblox roku safari salesforce sap segment "
    "shopify siri skype slack snap snapchat snowflake sony spotify sql square starbucks statsig stripe tableau "
    "target teams tesla tiktok tinder trello tripadvisor tumblr twitch twitter uber udemy venmo visa walmart waze "
    "wechat wendy's whatsapp whole wikipedia windows word workday xbox yahoo yelp youtube zendesk zillow zoom "
    "zynga"
)

NO_NAMES: Final = words(
    "a about absolutely actually after again ah all also always am an and another any anyone anything anyway are "
    "as ask at away back be because been before being best bet both but by bye can candidate cheers class correct "
    "could crazy curious data day dear definitely did do does doing done each either engineer engineering era "
    "even ever every everybody everyone everything exactly excited fair finally fine first folks for from fun "
    "general give go going gonna good got great growth guess guys had happy hardly has have he head hello her "
    "here hey hi him his host how however i i'd i'll i'm i've if in indeed instead interviewer interviewee is it "
    "it's its just keep kind know later lead let let's like looking lot love maam madam make manager many maybe "
    "me mean meanwhile metric metrics might mine more most mr mrs ms much must my myself never new next nice no "
    "nobody none nope not nothing now of off oh ok okay on once one only open or other our out over perfect "
    "perhaps please pm pretty probably product program project question quick quite rather ready really recruiter "
    "retention right same say second see senior she should since sir so some somebody someone something sorry "
    "speaker speaking staff still such sure take team thank thanks that that's the their them then there there's "
    "these they they're thing think this those though three to today tomorrow too true trying two uh um under "
    "understood until unknown up us user very was watching we we'd we'll we're we've welcome well were what "
    "what's when where whether which while who whose why with without wonder would wow yeah yep yes yesterday yet "
    "you you're your yours yourself monday tuesday wednesday thursday friday saturday sunday january february "
    "march july september october november december american asian australian austrian belgian brazilian british "
    "canadian chinese danish dutch egyptian english european finnish french german greek hindu indian irish "
    "israeli italian japanese jewish kenyan korean mexican muslim nigerian norwegian pakistani persian polish "
    "portuguese russian scottish spanish swedish swiss turkish ukrainian vietnamese welsh catholic buddhist "
    "christian chief director vice president founder principal associate junior analyst designer developer "
    "scientist consultant marketing sales finance operations machine learning artificial intelligence north south "
    "east west star net promoter score google's hiring panel panelist moderator assistant system applicant guest "
    "bot ai observer narrator notetaker translator interpreter sr jr phd mba ceo cto cfo cpo vp hr part male "
    "female student coach mentor team's call"
)
"""Words that stand where a name could but are none: what follows "I'm", what a speaker's label says of a role."""

TITLES_OF_WORKS: Final = (
    *("emily in paris", "harry potter", "ben & jerry", "ben and jerry", "trader joe", "papa john", "jessica jones"),
    *("luke cage", "marco polo", "inventing anna", "ted lasso", "better call saul", "monte carlo", "john wick"),
    *("anne with an e", "queen charlotte", "bridget jones", "tom and jerry", "mary poppins", "peter pan", "dear david"),
    *(
        "marie kondo",
        "rick and morty",
        "will & grace",
        "will and grace",
        "charlie's angels",
        "charlie and the chocolate",
    ),
    *("julie & julia", "cambridge analytica", "king richard", "being john malkovich", "maria db", "saint patrick"),
    *("santa clara", "san jose", "san francisco", "santa monica", "st louis", "st. louis", "san diego", "san antonio"),
    *("victoria's secret", "charlotte, north", "mercedes benz", "mercedes-benz", "martin luther", "louis vuitton"),
    *("johnson & johnson", "johnson and johnson", "jp morgan", "j.p. morgan", "jpmorgan chase", "morgan stanley"),
    *("charles schwab", "wells fargo", "warner bros", "marks & spencer", "ernst & young", "ernst and young", "h&r"),
)
"""Titles, firms and places that hold a given name."""
